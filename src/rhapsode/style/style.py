"""A style: what re-weights the Motion Generator, and all else that a manner of speaking is; one small file.

It holds no picture (unless that was asked for) and no sound of the person, and not the shape of the face: every
landmark set is an offset from the person's own resting face.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from rhapsode.errors import StyleError
from rhapsode.files import reading
from rhapsode.motion.generator import NumpyMotionGenerator
from rhapsode.motion.head import HeadModel

#: Version of the file format.
FORMAT = 1
#: Bytes that a style file may have.
LARGEST = 5_000_000
#: Ends every style file.
SUFFIX = ".safetensors"
#: The four key motions, in the order of `Style.references`.
KEY_MOTIONS = ("None", "M", "R", "O")
#: Shape of the pictures of reference images.
PICTURES = (4, 128, 128, 3)
#: No strength goes beyond this: from here on faces tear.
STRONGEST = 1.5
#: Layers of the generator that a style may change; its ear is not among them.
_RE_WEIGHTED = ("embed.", "context.", "recurrent.", "readout.")

#: No number in a style is larger: offsets lie within a face, changes of weights under 1.
_LARGEST_NUMBER = 10.0

_ARRAYS = {"rest_expression": (68, 3), "head_gain": (5,), "references": (4, 68, 3), "reference_rotations": (4, 3)}
_FACTS = ("name", "blink_rate_scale", "eyelid_offset", "gamma", "generator", "provenance", "license")


@dataclass(frozen=True)
class Style:
    """A manner of speaking.

    Attributes:
        name: what it is called.
        delta: changes of the Motion Generator's weights, by their names; float32.
        rest_expression: (68, 3) float32 offsets that stay in pauses too, canonical space: the resting face of the clip
            against the person's neutral one; zero where no neutral face was given.
        eyelid_offset: how far the lids hang at rest, 0 as the portrait's .. 1 shut.
        head_gain: (5,) how far the head moves in each of `HeadModel`'s directions; 1 as it does without style.
        blink_rate_scale: how many times as often as natural the eyes blink.
        references: (4, 68, 3) float32 offsets from rest of the four reference images (`KEY_MOTIONS`).
        reference_rotations: (4, 3) float32 rotation vectors of the head in them.
        bank: (M, F) float32 features of the voice, for manifold projection; M may be 0.
        projection: how far a driving voice is brought to the bank, 0 to 1.
        gamma: eq. (3), how much of the style the regularisation looked at.
        generator: `MotionGenerator.key` of the generator that it re-weights.
        provenance: where it comes from: clip, its SHA-256, date, versions, settings.
        license: terms under which it may be used.
        pictures: (4, 128, 128, 3) uint8 RGB, the reference images themselves; None, as a rule: they show the person.
    """

    name: str
    delta: Mapping[str, np.ndarray]
    rest_expression: np.ndarray
    eyelid_offset: float
    head_gain: np.ndarray
    blink_rate_scale: float
    references: np.ndarray
    reference_rotations: np.ndarray
    bank: np.ndarray
    projection: float
    gamma: float
    generator: str
    provenance: Mapping[str, Any]
    license: str
    pictures: np.ndarray | None = None

    def scaled(self, strength: float) -> "Style":
        """The same manner, more or less of it: 0 none, 1 as learnt, up to `STRONGEST` exaggerated.

        Raises:
            StyleError: if the strength is out of range.
        """
        if not 0 <= strength <= STRONGEST:
            raise StyleError(f"style strength {strength:g}: choose 0 (none) to {STRONGEST:g}, 1 as learnt")
        return blend([(self, strength)], self.name)

    def apply(self, generator: NumpyMotionGenerator) -> NumpyMotionGenerator:
        """A generator of its own that moves in this manner; `generator` stays as it is.

        Raises:
            StyleError: if the style was made for another generator.
        """
        self.check_fits(generator)
        return generator.with_weight_delta(self.delta)

    def check_fits(self, generator: NumpyMotionGenerator) -> None:
        """Refuse a generator that the style was not made for.

        Raises:
            StyleError: naming both.
        """
        weights = generator.weights
        fits = all(name in weights and weights[name].shape == change.shape for name, change in self.delta.items())
        encoder = generator.dims.encoder
        if encoder and len(self.bank) and self.bank.shape[1] != encoder.hidden:
            fits = False
        if self.generator != generator.key or not fits:
            raise StyleError(
                f"style {self.name!r}: made for Motion Generator {self.generator}, and this one is {generator.key}; "
                "learn it anew from its clip with rhapsode learn-style"
            )

    def move_head(self, head: HeadModel) -> HeadModel:
        """A head that moves as far as the performer's: x' = D x for the autoregression x."""
        gain = self.head_gain.astype(np.float64)
        coefficients = gain[:, None] * head.coefficients / gain
        return HeadModel(coefficients, gain[:, None] * head.speech, gain[:, None] * head.pause)

    def save(self, path: Path) -> None:
        """Write one safetensors file, weights in half precision; nothing half-written stays.

        Raises:
            StyleError: if it would be larger than `LARGEST`.
        """
        tensors = {f"delta.{name}": change.astype(np.float16) for name, change in self.delta.items()}
        tensors |= {name: getattr(self, name).astype(np.float32) for name in _ARRAYS}
        tensors["bank"] = self.bank.astype(np.float16)
        if self.pictures is not None:
            tensors["pictures"] = self.pictures
        tensors = {name: np.ascontiguousarray(value) for name, value in sorted(tensors.items())}
        if not all(np.isfinite(value).all() for value in tensors.values()):
            raise StyleError(f"{path}: the style holds numbers that are not finite; learn it anew")
        facts = {name: getattr(self, name) for name in (*_FACTS, "projection")} | {"format": FORMAT}
        facts["provenance"] = dict(self.provenance)
        text = json.dumps(facts, sort_keys=True)
        # One entry: safetensors writes several in an order left to chance, and the same style must give the same file.
        data = save(tensors, metadata={"style": f"{_digest(tensors, text)} {text}"})
        if len(data) > LARGEST:
            raise StyleError(f"{path}: the style would have {len(data)} bytes, {LARGEST} at most; keep a smaller bank")
        partial = path.with_name(f".{path.name}.partial")
        try:
            partial.write_bytes(data)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> "Style":
        """Read what `save` wrote.

        Raises:
            StyleError: if the file is missing, too large, truncated, tampered with, or of another format.
        """
        try:
            size = path.stat().st_size
        except OSError as error:
            raise StyleError(f"{path}: cannot be read ({(error.strerror or '').lower()}); check the path") from None
        if not path.is_file() or size > LARGEST:
            raise StyleError(f"{path}: is no style ({size} bytes; a style has {LARGEST} at most); choose another file")
        remedy = "fetch it again, or learn it anew with rhapsode learn-style"
        with reading(path, "style", remedy, StyleError):
            with safe_open(path, "np") as file:
                digest, _, text = (file.metadata() or {}).get("style", "").partition(" ")
                tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
            if not text:
                raise ValueError("it is another kind of file")
            facts = json.loads(text)
            if facts["format"] != FORMAT:
                raise ValueError(f"format {facts['format']}, and this version of rhapsode reads {FORMAT}")
            if _digest(tensors, text) != digest:
                raise ValueError("it was changed since it was made")
            return cls(**_checked(facts, tensors))


def blend(parts: Sequence[tuple[Style, float]], name: str) -> Style:
    """Several manners in one: weights and offsets add up, gains and rates multiply.

    Args:
        parts: styles of one generator, and how much of each; the references and the voice's bank are those of the
            largest.
        name: what the mixture is called.

    Raises:
        StyleError: if there is nothing to mix, or the styles were made for different generators.
    """
    if not parts:
        raise StyleError("nothing to mix; name a style")
    chief = max(parts, key=lambda part: part[1])[0]
    strangers = [style for style, _ in parts if style.generator != chief.generator]
    if strangers:
        raise StyleError(
            f"styles {chief.name!r} and {strangers[0].name!r} were made for different Motion Generators "
            f"({chief.generator}, {strangers[0].generator}); learn the older one anew with rhapsode learn-style"
        )
    delta: dict[str, np.ndarray] = {}
    for style, weight in parts:
        for key, change in style.delta.items():
            if key in delta and delta[key].shape != change.shape:
                raise StyleError(f"style {style.name!r}: {key} has another shape than in the others; learn it anew")
            delta[key] = delta.get(key, np.float32(0)) + np.float32(weight) * change
    gain = np.exp(sum((weight * np.log(style.head_gain) for style, weight in parts), np.zeros(5)))
    provenance = chief.provenance if [weight for _, weight in parts] == [1] else {
        "mixed": [{**style.provenance, "name": style.name, "weight": weight} for style, weight in parts]
    }  # fmt: skip
    return replace(
        chief,
        name=name,
        delta=delta,
        rest_expression=sum(
            (np.float32(weight) * style.rest_expression for style, weight in parts), np.zeros((68, 3), np.float32)
        ),
        eyelid_offset=min(sum(weight * style.eyelid_offset for style, weight in parts), 1.0),
        head_gain=gain.astype(np.float32),
        blink_rate_scale=math.prod(style.blink_rate_scale**weight for style, weight in parts),
        projection=min(max(weight for _, weight in parts), 1.0) * chief.projection,
        provenance=provenance,
        license="; ".join(dict.fromkeys(style.license for style, _ in parts if style.license)),
    )


def _digest(tensors: Mapping[str, np.ndarray], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def _checked(facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    """The fields of a style, every one of its kind; what is not finite is refused."""
    pictures = tensors.pop("pictures", None)
    if pictures is not None and (pictures.dtype != np.uint8 or pictures.shape != PICTURES):
        raise ValueError(f"pictures has shape {pictures.shape} {pictures.dtype}, not {PICTURES} uint8")
    for name, value in tensors.items():
        if value.dtype not in (np.float16, np.float32) or not np.isfinite(value).all():
            raise ValueError(f"{name} is not all finite numbers")
    for name, shape in _ARRAYS.items():
        if tensors[name].shape != shape:
            raise ValueError(f"{name} has shape {tensors[name].shape}, not {shape}")
    if not ((tensors["head_gain"] >= 0.05) & (tensors["head_gain"] <= 20)).all():
        raise ValueError("head_gain is not 0.05 to 20")
    for name, value in tensors.items():
        if name != "head_gain" and np.abs(value).max(initial=0) > _LARGEST_NUMBER:
            raise ValueError(f"{name} holds numbers beyond {_LARGEST_NUMBER:g}")
        if name.startswith("delta.") and not name.removeprefix("delta.").startswith(_RE_WEIGHTED):
            raise ValueError(f"{name} is no weight that a style may change")
    numbers = {name: float(facts[name]) for name in ("blink_rate_scale", "eyelid_offset", "gamma", "projection")}
    for name, highest in (("blink_rate_scale", 100.0), ("eyelid_offset", 1.0), ("gamma", 1.0), ("projection", 1.0)):
        if not 0 <= numbers[name] <= highest:
            raise ValueError(f"{name} is {numbers[name]}, not 0 to {highest:g}")
    words = {name: str(facts[name]) for name in ("name", "generator", "license")}
    delta = {
        name.removeprefix("delta."): value.astype(np.float32)
        for name, value in tensors.items()
        if name.startswith("delta.")
    }
    arrays = {name: tensors[name].astype(np.float32) for name in (*_ARRAYS, "bank")}
    if arrays["bank"].ndim != 2:
        raise ValueError(f"bank has shape {arrays['bank'].shape}, not (M, F)")
    return {"delta": delta, "provenance": dict(facts["provenance"]), "pictures": pictures, **arrays, **numbers, **words}
