"""The colours of a picture in sRGB: any depth, palettes, profiles; transparent parts laid on white."""

import io

import numpy as np
from PIL import Image, ImageCms

_BACKDROP = (255, 255, 255)  # shows through transparent parts: cut-outs are most often seen on white


def to_rgb(picture: Image.Image) -> Image.Image:
    """Give a picture in 8-bit sRGB without transparency."""
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
    elif picture.mode == "LAB" and not profile:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
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
