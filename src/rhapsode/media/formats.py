"""Kinds of video files, by the ending of the name: what picture and sound are encoded as, and what each cannot hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from rhapsode.errors import VideoError

CRF = 18
"""Constant rate factor: visually lossless at 512 px (48 dB luma PSNR)."""

PRESET = "veryfast"
"""At 512 px 3.3 ms of one core a frame, a third of the size of "ultrafast" (1.2 ms) at the same quality."""


@dataclass(frozen=True)
class Format:
    """Say how a video is encoded.

    Attributes:
        container: name of the FFmpeg muxer.
        video: name of the picture's encoder.
        pixels: the encoder's pixel format.
        clear: its pixel format where frames are transparent; empty where they cannot be.
        options: of the encoder.
        sound: name of the sound's encoder; empty where the format has no sound.
        rates: samples per second that the sound may have, ascending.
        lossy_sound: whether the sound's encoder has a bit rate to choose.
        muxing: options of the muxer.
        fastest: frames per second at most; None where there is no limit.
        unsigned: why Content Credentials cannot be put into the file; empty where they can.
    """

    container: str
    video: str
    pixels: str
    clear: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    sound: str = ""
    rates: tuple[int, ...] = ()
    lossy_sound: bool = True
    muxing: Mapping[str, str] = field(default_factory=dict)
    fastest: int | None = None
    unsigned: str = ""

    @property
    def even(self) -> bool:
        """Tell whether width and height must be even, since colours are held at half the size."""
        return "420" in self.pixels

    def check(self, name: str, fps: Fraction | None, clear: bool = False) -> None:
        """Refuse what the format cannot hold.

        Args:
            name: of the file.
            fps: frames per second, where they are known.
            clear: whether frames are transparent.

        Raises:
            VideoError: more frames a second than the format has, or it is never transparent.
        """
        if clear and not self.clear:
            raise never_clear(name, self.container)
        if self.fastest is not None and fps is not None and fps > self.fastest:
            raise VideoError(
                f"{name}: {float(fps):g} frames a second are more than the {self.fastest} that {self.container} has",
                f"choose at most {self.fastest} frames a second",
                "too-fast",
            )


_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
H264 = Format("mp4", "libx264", "yuv420p", "", {"preset": PRESET, "crf": str(CRF)}, "aac", _AAC_RATES)
#: What editors take: every frame by itself, colours at full size, the sound as it is.
PRORES = Format(
    "mov",
    "prores_ks",
    "yuv444p10le",
    "yuva444p10le",
    {"profile": "4444", "vendor": "apl0"},
    "pcm_s24le",
    _AAC_RATES,
    lossy_sound=False,
)
VP9 = Format(
    "webm",
    "libvpx-vp9",
    "yuv420p",
    "yuva420p",
    {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "7", "row-mt": "1"},
    "libopus",
    (48000,),
    unsigned="WebM has no place for them",
)
#: Its clock counts hundredths of a second, and browsers show frames of less than two at a tenth of the speed.
GIF = Format("gif", "gif", "pal8", "pal8", fastest=50)

FORMATS = {".mp4": H264, ".m4v": H264, ".mov": PRORES, ".webm": VP9, ".gif": GIF}

#: What may be written, for messages.
ENDINGS = ".mp4, .mov, .webm or .gif, a folder as frames/ or frames/%05d.png, or - for standard output"


def never_clear(name: str, kind: str) -> VideoError:
    """Say that a kind of output is never transparent."""
    return VideoError(
        f"{name}: {kind} is never transparent", "let it end in .mov, .webm or .gif, or name a folder", "not-transparent"
    )


def format_of(path: Path) -> Format:
    """Give the format that a name ends in.

    Raises:
        VideoError: an unknown ending.
    """
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise VideoError(f"{str(path)!r}: not the name of a video", f"let it end in {ENDINGS}", "unknown-format")
    return found
