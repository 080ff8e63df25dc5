"""Rhapsode: one portrait, any voice, anyone's manner of speaking -> a talking-head video."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Animator", "Style", "Video", "__version__", "learn_style"]

if TYPE_CHECKING:
    from rhapsode.animator import Animator, Video
    from rhapsode.learning.learn import learn_style
    from rhapsode.style.style import Style

_HOMES = {
    "Animator": "rhapsode.animator",
    "Video": "rhapsode.animator",
    "Style": "rhapsode.style.style",
    "learn_style": "rhapsode.learning.learn",
}


def __getattr__(name: str) -> Any:
    # The models behind these take a second to import; asking for the version should not.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'rhapsode' has no attribute {name!r}")
