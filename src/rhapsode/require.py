"""Refuse what needs packages that animating does without."""

from rhapsode.errors import InstallationError


def require_torch(what: str) -> None:
    """Refuse what cannot be done without PyTorch where it is not installed.

    Args:
        what: is asked for, as its user calls it; begins the message.

    Raises:
        InstallationError: PyTorch is not installed.
    """
    try:
        import torch  # noqa: F401
    except ImportError:
        raise InstallationError(
            f"{what} needs PyTorch, which is not installed", "pip install 'rhapsode[train]'", "no-torch"
        ) from None
