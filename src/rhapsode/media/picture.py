"""A picture from any file, upright, in sRGB, no larger than a video needs."""

import io
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from rhapsode.errors import PortraitError

LONG_SIDE, SHORT_SIDE = 1920, 1080
"""Pixels: largest video made when no size is asked for, lying or standing."""

SMALLEST_SIDE = 32
"""Pixels: in a narrower picture no face can be large enough."""

LARGEST_AREA = 201_000_000
"""Pixels: 600 MB as RGB. Phones make pictures of 200 megapixels; larger ones are slips or attacks."""

_BACKDROP = (255, 255, 255)  # shows through transparent parts: cut-outs are most often seen on white
_RUNS_PROGRAMS = ("EPS",)  # formats that Pillow hands to another program, here Ghostscript


def load_picture(path: str | Path, size: int | None = None) -> np.ndarray:
    """Read a picture for animating.

    Reads whatever Pillow reads by itself. Orientation from EXIF is applied, an embedded color profile is converted
    to sRGB, transparent parts are laid on white, and of an animation the first picture is taken.

    Args:
        path: the file.
        size: longest side of the result in pixels, enlarged where needed; None keeps the picture's own size,
            scaled down (never up) to fit 1920 x 1080 lying or 1080 x 1920 standing.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        PortraitError: no such file, a folder, not a picture, damaged, smaller than `SMALLEST_SIDE`, or larger than
            `LARGEST_AREA`.
    """
    path = Path(path)
    if path.is_dir():
        raise PortraitError(f"{path}: is a folder", "name a picture in it", "is-folder")
    if not path.is_file():
        raise PortraitError(f"{path}: no such file", "check the path", "no-file")
    if path.stat().st_size == 0:
        raise PortraitError(f"{path}: the file is empty", "choose a JPEG or PNG", "no-picture")
    try:
        with path.open("rb") as file, _open(file, path) as opened:
            return _read(opened, path, size)
    except UnidentifiedImageError:
        raise PortraitError(
            f"{path}: not a picture that can be read", "choose a JPEG or PNG", "unknown-format"
        ) from None
    except PermissionError:
        raise PortraitError(
            f"{path}: may not be read", "change its permissions, or choose another picture", "no-permission"
        ) from None
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        # Pillow's readers report damage by any of these.
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise PortraitError(
            f"{path}: the picture is damaged or cut short ({reason})", "export or download it anew", "damaged"
        ) from error


def _open(file: BinaryIO, path: Path) -> Image.Image:
    """Open a picture as `Image.open` does, but for Pillow's limit of 179 megapixels.

    That limit is one for the whole process, and not this program's to change; the area is checked before the
    picture is decoded.
    """
    prefix = file.read(16)
    for load_plugins in (Image.preinit, Image.init):  # the common formats first: all take 50 ms to load
        load_plugins()
        for name in Image.ID:
            factory, accepts = Image.OPEN[name]
            answer = accepts is None or accepts(prefix)
            # An answer may also be a sentence on why the plugin cannot read this.
            if name in _RUNS_PROGRAMS or not answer or isinstance(answer, str):
                continue
            try:
                file.seek(0)
                return factory(file, str(path))
            except (SyntaxError, IndexError, TypeError, struct.error):
                continue  # as in Image.open: not of this format after all
    raise UnidentifiedImageError


def _read(opened: Image.Image, path: Path, size: int | None) -> np.ndarray:
    if opened.width * opened.height > LARGEST_AREA:
        raise _too_large(path)
    if min(opened.size) < SMALLEST_SIDE:
        raise PortraitError(
            f"{path}: the picture is too small, {opened.width} x {opened.height} pixels",
            f"use one of at least {SMALLEST_SIDE} pixels a side, better 512",
            "picture-too-small",
        )
    # JPEG decodes straight to a half, quarter or eighth; twice the final size keeps all that is seen.
    wanted = _fitting(opened.size, size)
    opened.draft(None, (2 * wanted[0], 2 * wanted[1]))
    picture = _to_rgb(ImageOps.exif_transpose(opened))
    wanted = _fitting(picture.size, size)
    if picture.size != wanted:
        picture = picture.resize(wanted, Image.Resampling.LANCZOS)
    return np.array(picture)


def _fitting(size: tuple[int, int], longest: int | None) -> tuple[int, int]:
    """Return width and height of the result for a picture of `size`."""
    width, height = size
    if longest is not None:
        scale = longest / max(width, height)
    else:
        scale = min(1.0, LONG_SIDE / max(width, height), SHORT_SIDE / min(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _to_rgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _to_eight_bits(picture)
    if picture.has_transparency_data and picture.mode not in ("RGBA", "LA"):
        picture = picture.convert("RGBA")
    alpha = picture.getchannel("A") if picture.has_transparency_data else None
    if picture.mode in ("P", "RGBA"):
        picture = picture.convert("RGB")
    elif picture.mode in ("LA", "1"):
        picture = picture.convert("L")
    picture = _to_srgb(picture, profile) if profile else picture.convert("RGB")
    if alpha is not None:
        backdrop = Image.new("RGB", picture.size, _BACKDROP)
        backdrop.paste(picture, mask=alpha)
        return backdrop
    return picture


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    """Scale a 16-bit or float grey picture to 8 bits; Pillow's own conversion clips instead."""
    values = np.asarray(picture).astype(np.float32)
    finite = values[np.isfinite(values)]
    top = float(finite.max()) if finite.size else 0.0
    # Integers fill 16 bits, floats [0, 1], unless they show otherwise.
    white = next((limit for limit in (1.0, 255.0, 65535.0) if top <= limit), top)
    if picture.mode.startswith("I"):
        white = max(white, 65535.0)
    scaled = np.nan_to_num(values * (255.0 / white), nan=0.0).clip(0, 255)
    return Image.fromarray(scaled.round().astype(np.uint8))


def _to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        # A broken profile is no reason to refuse a picture: without it the colours are a little off.
        return picture.convert("RGB")
    return converted if converted is not None else picture.convert("RGB")


def _too_large(path: Path) -> PortraitError:
    return PortraitError(
        f"{path}: the picture has more than {LARGEST_AREA // 1_000_000} million pixels",
        "scale it down first",
        "picture-too-large",
    )
