"""A picture from any file, upright, in sRGB, no larger than a video needs."""

import logging
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from rhapsode.errors import InstallationError, PortraitError
from rhapsode.media.colours import to_rgb
from rhapsode.media.kinds import HEAD, RAW, Kind, is_heif, kind_of

_log = logging.getLogger(__name__)

LONG_SIDE, SHORT_SIDE = 1920, 1080
"""Pixels: largest video made when no size is asked for, lying or standing."""

SMALLEST_SIDE = 32
"""Pixels: in a narrower picture no face can be large enough."""

LARGEST_AREA = 201_000_000
"""Pixels: 600 MB as RGB. Phones make pictures of 200 megapixels; larger ones are slips or attacks."""

# Formats that Pillow hands to another program (EPS: Ghostscript), or knows without being able to read them.
_NOT_READ = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"})
_PAGES = {
    "TIFF": "a document of %d pages",
    "GIF": "an animation",
    "PNG": "an animation",
    "WEBP": "an animation",
    "AVIF": "an animation",
}
_ORIENTATION, _NEW_SUBFILE, _SUB_FILES, _DNG_VERSION = 0x0112, 254, 330, 50706  # tags of EXIF and TIFF


@dataclass(frozen=True)
class Picture:
    """A picture read.

    Attributes:
        image: (H, W, 3) uint8 RGB, of the size asked for.
        own_size: width and height that it has in its file, as viewers show it, pixels.
    """

    image: np.ndarray
    own_size: tuple[int, int]

    @property
    def scale(self) -> np.ndarray:
        """Give how many pixels of the image are one of the file, (2,): across and down."""
        return np.array(self.image.shape[1::-1]) / self.own_size


def load_picture(path: str | Path, size: int | None = None) -> np.ndarray:
    """Read a picture for animating, (H, W, 3) uint8 RGB; see `read_picture`."""
    return read_picture(path, size).image


def read_picture(path: str | Path, size: int | None = None) -> Picture:
    """Read a picture for animating.

    Reads whatever Pillow reads by itself, and HEIC with pillow-heif; the file's first bytes say what it is. Orientation
    from EXIF is applied, an embedded color profile is converted to sRGB, transparent parts are laid on white, and of
    animations and documents the first picture is taken, with a word in the log.

    Args:
        path: the file.
        size: longest side of the result in pixels, enlarged where needed; None keeps the picture's own size,
            scaled down (never up) to fit 1920 x 1080 lying or 1080 x 1920 standing.

    Raises:
        InstallationError: HEIC, and pillow-heif is not installed.
        PortraitError: no such file, a folder, not a picture, damaged, smaller than `SMALLEST_SIDE`, or larger than
            `LARGEST_AREA`.
    """
    path = Path(path)
    if path.is_dir():
        raise PortraitError(f"{path}: is a folder", "name a picture in it", "is-folder")
    if not path.is_file():
        raise PortraitError(f"{path}: no such file", "check the path", "no-file")
    head = b""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            if not head:
                raise PortraitError(f"{path}: the file is empty", "choose a JPEG or PNG", "no-picture")
            with _open_heif(file, path) if is_heif(head) else _open(file, path, head) as opened:
                return _read(opened, path, size)
    except UnidentifiedImageError:
        raise _refused(path, kind_of(head)) from None
    except PermissionError:
        raise PortraitError(
            f"{path}: may not be read", "change its permissions, or choose another picture", "no-permission"
        ) from None
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        # Pillow's readers report damage by any of these.
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise PortraitError(
            f"{path}: the picture is damaged or cut short ({reason})", "export or download it anew", "damaged"
        ) from error


def fitting(size: tuple[int, int], longest: int | None) -> tuple[int, int]:
    """Give the width and height to animate a picture at.

    Args:
        size: its own width and height, pixels.
        longest: as `size` of `read_picture`.
    """
    width, height = size
    if longest is not None:
        scale = longest / max(width, height)
    else:
        scale = min(1.0, LONG_SIDE / max(width, height), SHORT_SIDE / min(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Give an image, (H, W, 3) uint8, at another width and height."""
    if image.shape[1::-1] == size:
        return image
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def _open(file: BinaryIO, path: Path, head: bytes) -> Image.Image:
    """Open a picture as `Image.open` does, but for Pillow's limit of 179 megapixels.

    That limit is one for the whole process, and not this program's to change; the area is checked before the
    picture is decoded.
    """
    for load_plugins in (Image.preinit, Image.init):  # the common formats first: all take 50 ms to load
        load_plugins()
        for name in Image.ID:
            factory, accepts = Image.OPEN[name]
            answer = accepts is None or accepts(head[:16])
            # An answer may also be a sentence on why the plugin cannot read this.
            if name in _NOT_READ or not answer or isinstance(answer, str):
                continue
            try:
                file.seek(0)
                return factory(file, str(path))
            except (SyntaxError, IndexError, TypeError, struct.error):
                continue  # as in Image.open: not of this format after all
    raise UnidentifiedImageError


def _open_heif(file: BinaryIO, path: Path) -> Image.Image:
    """Open HEIC and its like; pillow-heif is used directly, since its plugin would change Pillow for the process."""
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise InstallationError(
            f"{path}: is HEIC, and pillow-heif, which reads it, is not installed",
            "pip install 'rhapsode[heic]', or export it as JPEG",
            "no-heic",
        ) from None
    file.seek(0)
    opened: Image.Image = HeifImageFile(file, str(path))
    return opened


def _read(opened: Image.Image, path: Path, size: int | None) -> Picture:
    if opened.width * opened.height > LARGEST_AREA:
        raise _too_large(path)
    if _is_raw(opened):
        raise _refused(path, RAW)
    if min(opened.size) < SMALLEST_SIDE:
        raise PortraitError(
            f"{path}: the picture is too small, {opened.width} x {opened.height} pixels",
            f"use one of at least {SMALLEST_SIDE} pixels a side, better 512",
            "picture-too-small",
        )
    count = getattr(opened, "n_frames", 1)
    if count > 1 and opened.format in _PAGES:
        what = _PAGES[opened.format].replace("%d", str(count))
        _log.warning("%s: %s; the first picture is taken", path, what, extra={"code": "first-picture"})
    own = opened.size
    # JPEG decodes straight to a half, quarter or eighth; twice the final size keeps all that is seen.
    wanted = fitting(own, size)
    if min(wanted) < SMALLEST_SIDE:
        raise PortraitError(
            f"{path}: the picture is too long and narrow, {own[0]} x {own[1]} pixels, and would be animated at "
            f"{wanted[0]} x {wanted[1]}",
            "crop it to the face",
            "picture-too-small",
        )
    opened.draft(None, (2 * wanted[0], 2 * wanted[1]))
    upright, on_its_side = _upright(opened)
    if on_its_side:
        own = own[::-1]
    picture = to_rgb(upright)
    wanted = fitting(own, size)
    if picture.size != wanted:
        picture = picture.resize(wanted, Image.Resampling.LANCZOS)
    return Picture(np.array(picture), own)


def _upright(opened: Image.Image) -> tuple[Image.Image, bool]:
    """A picture turned as its EXIF says, and whether width and height changed places; as it is if that is damaged."""
    opened.load()
    try:
        on_its_side = opened.getexif().get(_ORIENTATION) in (5, 6, 7, 8)
        return ImageOps.exif_transpose(opened), on_its_side
    except (SyntaxError, ValueError, KeyError, TypeError, struct.error):
        return opened, False


def _is_raw(opened: Image.Image) -> bool:
    """Whether a TIFF is a camera's raw data, whose first picture is a thumbnail."""
    tags = getattr(opened, "tag_v2", {}) if opened.format == "TIFF" else {}
    return _DNG_VERSION in tags or (tags.get(_NEW_SUBFILE) == 1 and _SUB_FILES in tags)


def _refused(path: Path, kind: Kind) -> PortraitError:
    what = f"is {kind.name}, " if kind.name else ""
    return PortraitError(f"{path}: {what}not a picture that can be read", kind.remedy, "unknown-format")


def _too_large(path: Path) -> PortraitError:
    return PortraitError(
        f"{path}: the picture has more than {LARGEST_AREA // 1_000_000} million pixels",
        "scale it down first",
        "picture-too-large",
    )
