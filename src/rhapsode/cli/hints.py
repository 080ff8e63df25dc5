"""What the command line adds to an error, by its code: the option or the command that helps."""

from rhapsode.errors import RhapsodeError

#: Continues the error's sentence, which ends with its remedy.
_HINTS = {
    "library-not-writable": " with --library",
    "no-such-face": " with --face",
    "no-such-style": "; rhapsode styles lists all",
    "shipped-style": ": rhapsode styles mix STYLE --name NAME",
    "strong-mixture": " with --style-strength",
    "style-exists": ", or add --overwrite",
}


def with_hint(error: RhapsodeError) -> str:
    """Give an error as one sentence: what is wrong, how to fix it, and how to do that on the command line."""
    return f"{error}{_HINTS.get(error.code, '')}"
