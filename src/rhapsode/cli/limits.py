"""Refuse to begin where the process may not have the memory that it needs.

Some libraries end the process, or try for ever, where memory cannot be had.
"""

from rhapsode.errors import InstallationError

#: Bytes of address space that a short video takes on two cores, libraries included; a fifth of it is ever used.
LEAST = 1_250_000_000
#: What libraries say where memory cannot be had, in errors of other kinds.
_SAID = ("cannot allocate memory", "bad_alloc", "bad allocation", "failed to map segment", "std::bad_array_new_length")


def check_address_space() -> None:
    """Look at the limit that `ulimit -v` sets.

    Raises:
        InstallationError: it is too low.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY and allowed < LEAST:
        raise InstallationError(
            f"memory: {LEAST / 1e9:.2f} GB of address space are needed, and this process may have {allowed / 1e9:.2f}",
            "raise the limit (ulimit -v)",
            "little-memory",
        )


def is_want_of_memory(error: Exception) -> bool:
    """Tell whether an error says, in whatever words, that memory could not be had."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _SAID)
