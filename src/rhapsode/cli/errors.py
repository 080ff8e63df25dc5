"""Errors of usage, and the words that the command line adds to any error."""

from rhapsode.errors import OptionsError, RhapsodeError


class UsageError(RhapsodeError):
    """Options that do not go together, or that are not understood.

    Attributes:
        verb: whose help tells more; that in use where None.
    """

    default_code = "usage"

    def __init__(self, message: str, verb: str | None = None) -> None:
        super().__init__(message)
        self.verb = verb


#: What helps on the command line, by the error's code; it continues the sentence, which ends with the remedy.
_HINTS = {
    "folder-not-empty": ", or add --overwrite where it holds an earlier video",
    "library-not-writable": " with --library",
    "no-face": " with --landmarks",
    "no-such-face": " with --face",
    "no-such-speaker": " with --speak",
    "no-such-style": "; rhapsode styles lists all",
    "no-voice": "; rhapsode voices lists all",
    "shipped-style": ": rhapsode styles mix STYLE --name NAME",
    "strong-mixture": " with --style-strength",
    "style-exists": ", or add --overwrite",
}
_OPTION = "bad-"


def explain(error: RhapsodeError, verb: str) -> str:
    """Give an error as one sentence: what is wrong, how to fix it, and how to do that on the command line.

    Args:
        error: to tell.
        verb: in use; empty for `rhapsode` itself.
    """
    if isinstance(error, UsageError):
        verb = verb if error.verb is None else error.verb
        return f"{error}; see {f'rhapsode {verb}'.strip()} --help"
    if isinstance(error, OptionsError) and error.code.startswith(_OPTION):
        # "head_motion=3: ..." becomes "--head-motion=3: ..."
        name = error.code.removeprefix(_OPTION)
        told = str(error).removeprefix(name.replace("-", "_"))
        return f"--{name}{told}; see rhapsode {verb} --help"
    return f"{error}{_HINTS.get(error.code, '')}"
