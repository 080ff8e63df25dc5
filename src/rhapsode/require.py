"""Packages that animating does without: learning brings them (`pip install 'rhapsode[train]'`)."""

from rhapsode.errors import InstallationError


def require_torch(what: str) -> None:
    """Refuse what cannot be done without PyTorch where it is not installed.

    Args:
        what: is asked for, as its user calls it.

    Raises:
        InstallationError: PyTorch is not there.
    """
    try:
        import torch  # noqa: F401
    except ImportError:
        raise InstallationError(
            f"{what} needs PyTorch, which is not installed: pip install 'rhapsode[train]'"
        ) from None
