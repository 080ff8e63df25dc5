"""What a person can be shown before: a colour or a picture."""

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageColor, ImageOps

from rhapsode.errors import OptionsError, PortraitError
from rhapsode.media.picture import read_picture

#: The picture's own background, and none.
KEEP: Final = "keep"
TRANSPARENT: Final = "transparent"


def is_file(background: str) -> bool:
    """Tell whether a background is a file, not a word or a colour."""
    return background not in (KEEP, TRANSPARENT) and _colour(background) is None


def check_background(background: str) -> None:
    """Refuse a background that is neither a known word, a colour nor a file.

    Raises:
        OptionsError: it is none of these.
    """
    if is_file(background) and not Path(background).is_file():
        raise OptionsError(
            f"background={background}: no such colour and no such file",
            "name keep, transparent, a colour such as white or #204060, or a picture",
            "bad-background",
        )


def backdrop(background: str, width: int, height: int) -> np.ndarray:
    """Make a background, (height, width, 3) uint8 RGB.

    Args:
        background: a colour by its name in CSS or as #rgb or #rrggbb, or a picture, which is made to fill the frame
            and cut where it is too wide or too high.
        width: of the frame, pixels.
        height: of the frame, pixels.

    Raises:
        OptionsError: no such colour or file, or a file that is no picture.
    """
    check_background(background)
    colour = _colour(background)
    if colour is not None:
        return np.full((height, width, 3), colour, np.uint8)
    try:
        picture = read_picture(background).image
    except PortraitError as error:
        raise OptionsError(f"background={error.message}", error.remedy, "bad-background") from error
    fitted = ImageOps.fit(Image.fromarray(picture), (width, height), Image.Resampling.LANCZOS)
    return np.array(fitted)


def _colour(background: str) -> tuple[int, ...] | None:
    """The colour of a name, RGB; None where it names none."""
    try:
        colour = ImageColor.getrgb(background)
    except ValueError:
        return None
    return colour if len(colour) == 3 else None
