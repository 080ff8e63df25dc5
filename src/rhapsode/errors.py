"""Errors whose message a user reads: one line that says what is wrong, where, and how to mend it."""


class RhapsodeError(Exception):
    """A fault that its user can mend; the command line prints its message alone and exits with code 2."""


class AudioError(RhapsodeError):
    """The sound cannot be used: unreadable, without an audio track, empty, or not finite."""


class PortraitError(RhapsodeError):
    """The portrait cannot be used: no picture, no face, or a face too small."""


class VideoError(RhapsodeError):
    """The video cannot be read or written."""


class WeightsError(RhapsodeError):
    """A weight file is missing, damaged, or made for another model."""


class DataError(RhapsodeError):
    """A data folder or a prepared store cannot be used."""


class StyleError(RhapsodeError):
    """A style cannot be learnt, read, found or used."""


class InstallationError(RhapsodeError):
    """What was asked for needs a package or a device that is not there."""
