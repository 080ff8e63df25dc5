"""Errors whose message a user reads: what is wrong and where, how to fix it, and a code that programs can act on."""


class RhapsodeError(Exception):
    """Report a fault that its user can fix; the command line prints it as one line and exits with code 2.

    Attributes:
        message: what is wrong, and where: it begins with the file or value concerned.
        remedy: how to fix it, in words that hold for every interface; empty where there is nothing to say.
        code: names the kind of fault for programs, in small letters and hyphens, such as `no-face`.
    """

    default_code = "error"

    def __init__(self, message: str, remedy: str = "", code: str = "") -> None:
        # All three are handed on, so that an error survives the way from one process to another.
        super().__init__(message, remedy, code)
        self.message = message
        self.remedy = remedy
        self.code = code or self.default_code

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


class AudioError(RhapsodeError):
    """The sound cannot be used: unreadable, without an audio track, empty, or not finite."""

    default_code = "audio"


class PortraitError(RhapsodeError):
    """The portrait cannot be used: no picture, no face, or a face too small."""

    default_code = "portrait"


class VideoError(RhapsodeError):
    """The video cannot be read or written."""

    default_code = "video"


class OptionsError(RhapsodeError, ValueError):
    """An option is out of range, or options do not go together."""

    default_code = "options"


class WeightsError(RhapsodeError):
    """A model folder or a weight file is missing, damaged, or made for another model."""

    default_code = "weights"


class DataError(RhapsodeError):
    """A data folder or a prepared store cannot be used."""

    default_code = "data"


class StyleError(RhapsodeError):
    """A style cannot be learnt, read, found or used."""

    default_code = "style"


class InstallationError(RhapsodeError):
    """What was asked for needs a package or a device that is not there."""

    default_code = "installation"


class Cancelled(RhapsodeError):  # noqa: N818 (no fault, as KeyboardInterrupt)
    """The work was stopped by whoever watched its progress."""

    default_code = "cancelled"
