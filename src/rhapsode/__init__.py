"""Rhapsode: one portrait, any voice, anyone's manner of speaking -> a talking-head video."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Animator", "Video", "__version__"]

if TYPE_CHECKING:
    from rhapsode.animator import Animator, Video


def __getattr__(name: str) -> Any:
    # The models behind these take a second to import; asking for the version should not.
    if name in ("Animator", "Video"):
        from rhapsode import animator

        return getattr(animator, name)
    raise AttributeError(f"module 'rhapsode' has no attribute {name!r}")
