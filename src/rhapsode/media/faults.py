"""What a disk or an encoder reports, in words."""

import errno
import os

from av.error import FFmpegError

from rhapsode.errors import VideoError

_DISK_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}  # Windows has no quotas


def explain_disk(error: Exception, name: str, folder: str) -> VideoError:
    """Put an error of FFmpeg or the operating system into words.

    Args:
        error: while a file was written.
        name: of the file.
        folder: that it is in.
    """
    code = getattr(error, "errno", None)
    if code in _DISK_FULL:
        return VideoError(f"{name}: no room left on the disk", "free some space or choose another folder", "disk-full")
    if code == errno.EFBIG:
        return VideoError(f"{name}: larger than files may be here", "choose another folder", "disk-full")
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        return VideoError(
            f"{name}: the folder {folder!r} is not writable ({reason(error)})", "choose another folder", "no-permission"
        )
    if code == errno.ENAMETOOLONG:
        return VideoError(f"{name}: file name too long", "choose a shorter one", "bad-path")
    if code in (errno.EMFILE, errno.ENFILE):
        return VideoError(f"{name}: too many open files", "allow more of them (ulimit -n)", "too-many-files")
    return VideoError(f"{name}: the video cannot be written ({reason(error)})", "check the size and the folder")


def reason(error: Exception) -> str:
    """Give the reason that an error states, in small letters."""
    code = getattr(error, "errno", None)
    if isinstance(code, int) and code > 0 and not isinstance(error, FFmpegError):
        return os.strerror(code).lower()
    return str(getattr(error, "strerror", None) or error).lower()
