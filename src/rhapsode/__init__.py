"""Animate a portrait with a voice: one picture, any speech, anyone's speaking style."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rhapsode.animator import Animator
    from rhapsode.errors import (
        AudioError,
        Cancelled,
        DataError,
        InstallationError,
        OptionsError,
        PortraitError,
        RhapsodeError,
        StyleError,
        VideoError,
        WeightsError,
    )
    from rhapsode.group import Group
    from rhapsode.learning.learn import learn_style, style_from_clip
    from rhapsode.options import AnimationOptions
    from rhapsode.portrait import Portrait
    from rhapsode.progress import Progress
    from rhapsode.session import Session
    from rhapsode.style.style import Style
    from rhapsode.video import Video

__all__ = [
    "AnimationOptions",
    "Animator",
    "AudioError",
    "Cancelled",
    "DataError",
    "Group",
    "InstallationError",
    "OptionsError",
    "Portrait",
    "PortraitError",
    "Progress",
    "RhapsodeError",
    "Session",
    "Style",
    "StyleError",
    "Video",
    "VideoError",
    "WeightsError",
    "__version__",
    "learn_style",
    "style_from_clip",
]

_MODULES = {
    "Animator": "rhapsode.animator",
    "AnimationOptions": "rhapsode.options",
    "Group": "rhapsode.group",
    "Portrait": "rhapsode.portrait",
    "Progress": "rhapsode.progress",
    "Session": "rhapsode.session",
    "Style": "rhapsode.style.style",
    "Video": "rhapsode.video",
    "learn_style": "rhapsode.learning.learn",
    "style_from_clip": "rhapsode.learning.learn",
}


def __getattr__(name: str) -> Any:
    # Imported when asked for: the models take a second to import, and asking for the version should not.
    if name in __all__:
        return getattr(import_module(_MODULES.get(name, "rhapsode.errors")), name)
    raise AttributeError(f"module 'rhapsode' has no attribute {name!r}")
