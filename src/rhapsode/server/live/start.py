"""The first message of a live session: which portrait, how, and what form sound and frames have."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rhapsode.media.backdrop import KEEP, TRANSPARENT
from rhapsode.media.live import HIGHEST_RATE, LOWEST_RATE, MOST_CHANNELS
from rhapsode.options import AnimationOptions
from rhapsode.server.faults import RequestError
from rhapsode.server.requests import checked_background
from rhapsode.server.storage import NUMBER

#: Options of `AnimationOptions` that a session takes.
_OPTIONS = (
    "style", "style_strength", "fps", "head_motion", "mouth", "blink", "gaze", "background", "aspect", "teeth", "seed",
    "channel",
)  # fmt: skip
#: Letters of a WebRTC description; browsers write about 6000.
_LONGEST_OFFER = 100_000


class Start(BaseModel):
    """Say what a session is to be; options as of a job."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    type: Literal["start"]
    portrait: str = Field(pattern=NUMBER)
    sample_rate: int = Field(16_000, ge=LOWEST_RATE, le=HIGHEST_RATE)
    channels: int = Field(1, ge=1, le=MOST_CHANNELS)
    format: Literal["jpeg", "mp4"] = "jpeg"
    quality: int = Field(85, ge=1, le=100)
    newest: bool = False
    offer: str | None = Field(None, max_length=_LONGEST_OFFER)
    size: int | None = Field(None, ge=64, le=4096)
    face: int | None = Field(None, ge=1, le=1000)
    options: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def read(cls, text: str, longest: int) -> "Start":
        """Read the message.

        Args:
            text: JSON.
            longest: side that a video may have, pixels.

        Raises:
            OptionsError: an option is unknown or out of range.
            RequestError: it is no such message.
        """
        try:
            start = cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the message"
            raise RequestError(422, "bad-start", f"{where}: {first['msg']}", "see docs/server.md") from None
        for name in start.options:
            if name not in _OPTIONS:
                raise RequestError(422, "unknown-option", f"{name}: a session has no such option", "leave it out")
        background = start.options.get("background", KEEP)
        if not isinstance(background, str) or checked_background(background) == TRANSPARENT:
            raise RequestError(422, "bad-background", "background: keep or a colour", "choose one")
        if start.size is not None and start.size > longest:
            raise RequestError(413, "video-too-large", f"size: more than {longest}", "choose a smaller one")
        return start

    def animation(self) -> AnimationOptions:
        """Give the options, but for the style.

        Raises:
            OptionsError: one is out of range.
        """
        return AnimationOptions(**{name: value for name, value in self.options.items() if name != "style"})
