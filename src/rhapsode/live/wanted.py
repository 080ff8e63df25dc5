"""What the first message of a live session asks for."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from rhapsode.session import Session

Format = Literal["jpeg", "mp4"]


@dataclass(frozen=True)
class Wanted:
    """Say what a session is to be.

    Attributes:
        open: opens it; takes the sound's samples a second and its number of channels, and may take seconds.
        fps: frames a second.
        sample_rate, channels: of sound that comes over the WebSocket.
        format: of frames that go over it: each a JPEG, or all an MP4.
        quality: of a JPEG, 1 to 100.
        newest: whether frames that are late are left out, so that the newest is sent.
        seen: is given each frame's picture, in the session's thread.
        offer: the WebRTC description of the other side, where it would rather have its frames so.
    """

    open: Callable[[int, int], Session]
    fps: Fraction
    sample_rate: int
    channels: int = 1
    format: Format = "jpeg"
    quality: int = 85
    newest: bool = False
    offer: str | None = None
    seen: Callable[[np.ndarray], None] | None = None
