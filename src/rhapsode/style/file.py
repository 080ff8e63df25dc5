"""The file format of a style: one small safetensors file, which may come from a stranger.

Every style that is read or written goes through the same checks, so no file is written that would be refused later.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from rhapsode.errors import StyleError
from rhapsode.face.units import UNITS
from rhapsode.files import atomic_write, reading

#: Version of the file format.
FORMAT = 4
#: Ending of every style file.
SUFFIX = ".safetensors"
#: Largest style file, bytes.
LARGEST_FILE = 5_000_000
#: Shape of the pictures of the reference images.
PICTURES = (4, 128, 128, 3)

#: Layers of the Motion Generators that a style may change; audio encoder and bottleneck are not among them.
_STYLED_LAYERS = ("conv1.", "conv2.", "skip.", "readout.", "embed.0.", "context.", "recurrent.")
#: Largest absolute value in any array: offsets lie within a face, weight changes below 1.
_LARGEST_VALUE = 10.0
_HEAD_GAIN = (0.05, 20.0)
#: Largest unit of expression, of either sign.
LARGEST_UNIT = 4.0
_ARRAYS = {"units": (len(UNITS),), "response": (2, len(UNITS)), "head_gain": (5,), "references": (4, 68, 3)}
#: Upper bound of each number; the lower bound is 0.
_NUMBERS = {"blink_rate_scale": 100.0, "gamma": 1.0, "projection": 1.0}
_TEXTS = ("name", "generator", "license")


def write_style(path: Path, fields: Mapping[str, Any]) -> None:
    """Write a style; float arrays in half or single precision. The file appears only when it is complete.

    Args:
        path: ends in `SUFFIX`.
        fields: the fields of `Style` by name.

    Raises:
        StyleError: if a value is out of range, or the file would be larger than `LARGEST_FILE`.
    """
    tensors = {f"delta.{name}": change.astype(np.float16) for name, change in fields["delta"].items()}
    tensors |= {name: fields[name].astype(np.float32) for name in _ARRAYS}
    if fields["bank"] is not None:
        tensors["bank"] = fields["bank"].astype(np.float16)
    if fields["pictures"] is not None:
        tensors["pictures"] = fields["pictures"]
    tensors = {name: np.ascontiguousarray(value) for name, value in sorted(tensors.items())}
    facts = {name: fields[name] for name in (*_NUMBERS, *_TEXTS)}
    facts |= {"provenance": dict(fields["provenance"]), "format": FORMAT}
    try:
        _checked(facts, tensors)
    except ValueError as error:
        raise StyleError(f"{path}: not a style that can be kept ({error})", "learn it anew", "bad-style") from None
    text = json.dumps(facts, sort_keys=True)
    # One metadata entry: safetensors writes several in random order, and the same style must give the same bytes.
    data = save(tensors, metadata={"style": f"{_digest(tensors, text)} {text}"})
    if len(data) > LARGEST_FILE:
        raise StyleError(
            f"{path}: the style would have {len(data)} bytes, {LARGEST_FILE} at most",
            "keep a smaller bank",
            "bad-style",
        )
    atomic_write(path, data)


def read_style(path: Path) -> dict[str, Any]:
    """Read what `write_style` wrote; gives the fields of `Style` by name, float arrays as float32.

    Raises:
        StyleError: if the file is missing, too large, truncated, changed, of another format, or holds a value that is
            out of range.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise StyleError(
            f"{path}: cannot be read ({(error.strerror or '').lower()})", "check the path", "unreadable-style"
        ) from None
    if not path.is_file() or size > LARGEST_FILE:
        raise StyleError(
            f"{path}: is no style ({size} bytes; a style has {LARGEST_FILE} at most)",
            "choose another file",
            "unreadable-style",
        )
    with reading(path, "style", "fetch it again, or learn it anew from its clip", StyleError):
        with safe_open(path, "np") as file:
            digest, _, text = (file.metadata() or {}).get("style", "").partition(" ")
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
        if not text:
            raise ValueError("it is another kind of file")
        facts = json.loads(text)
        if facts["format"] != FORMAT:
            raise ValueError(f"its format is {facts['format']}, this version of rhapsode reads {FORMAT}")
        if _digest(tensors, text) != digest:
            raise ValueError("it was changed since it was made")
        return _checked(facts, tensors)


def _digest(tensors: Mapping[str, np.ndarray], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def _checked(facts: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Check type, shape and range of everything that a style file holds; gives the fields of `Style`."""
    numbers = {name: float(facts[name]) for name in _NUMBERS}
    for name, highest in _NUMBERS.items():
        if not 0 <= numbers[name] <= highest:
            raise ValueError(f"{name} is {numbers[name]}, not 0 to {highest:g}")
    texts = {name: str(facts[name]) for name in _TEXTS}
    floats = dict(tensors)
    pictures = floats.pop("pictures", None)
    if pictures is not None and (pictures.dtype != np.uint8 or pictures.shape != PICTURES):
        raise ValueError(f"pictures has shape {pictures.shape} {pictures.dtype}, not {PICTURES} uint8")
    for name, value in floats.items():
        _check_floats(name, value)
    for name, shape in _ARRAYS.items():
        if floats[name].shape != shape:
            raise ValueError(f"{name} has shape {floats[name].shape}, not {shape}")
    bank = floats.get("bank")
    if (bank is not None) != (numbers["projection"] > 0):
        raise ValueError("a bank of voice features is there without projection, or projection without a bank")
    if bank is not None and (bank.ndim != 2 or not bank.size):
        raise ValueError(f"bank has shape {bank.shape}, not (M, F)")
    arrays = {name: value.astype(np.float32) for name, value in floats.items()}
    delta = {name.removeprefix("delta."): value for name, value in arrays.items() if name.startswith("delta.")}
    return {
        **{name: arrays[name] for name in _ARRAYS},
        **numbers,
        **texts,
        "delta": delta,
        "bank": arrays.get("bank"),
        "pictures": pictures,
        "provenance": dict(facts["provenance"]),
    }


def _check_floats(name: str, value: np.ndarray) -> None:
    if value.dtype not in (np.float16, np.float32) or not np.isfinite(value).all():
        raise ValueError(f"{name} is not all finite numbers")
    if name == "head_gain":
        lowest, highest = _HEAD_GAIN
        if not ((value >= lowest) & (value <= highest)).all():
            raise ValueError(f"head_gain is not {lowest:g} to {highest:g}")
    elif name in ("units", "response") and np.abs(value).max(initial=0) > LARGEST_UNIT:
        raise ValueError(f"{name} holds numbers beyond {LARGEST_UNIT:g}")
    elif np.abs(value).max(initial=0) > _LARGEST_VALUE:
        raise ValueError(f"{name} holds numbers beyond {_LARGEST_VALUE:g}")
    if name.startswith("delta."):
        if not name.removeprefix("delta.").startswith(_STYLED_LAYERS):
            raise ValueError(f"{name} is no weight that a style may change")
    elif name not in _ARRAYS and name != "bank":
        raise ValueError(f"{name} is no part of a style")
