"""The command line: `rhapsode animate`, `learn-style`, `styles`, `prepare`, `train`...; one file for each verb."""

import inspect
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from rhapsode import __version__
from rhapsode.cli.errors import UsageError, explain
from rhapsode.cli.limits import check_address_space, is_want_of_memory
from rhapsode.cli.terminal import (
    drop_output,
    interrupts_from_signals,
    log_to_stderr,
    prepare_streams,
    print_status,
)
from rhapsode.cli.verbs import VERBS, find_verb, group_help, verb_list
from rhapsode.errors import RhapsodeError

BUG, REFUSED, INTERRUPTED = 1, 2, 130
"""Exit codes besides 0: a fault of the program, input or usage that it refuses, Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: what stands after `rhapsode`; the process's own where None.

    Returns:
        The exit code: 0 done, 1 a fault of the program (or, of `doctor`, of the installation), 2 input or usage
        refused, 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    verb, debug = "", False
    prepare_streams()
    with interrupts_from_signals():
        try:
            verb = find_verb(words)
            options = _options(verb, words[len(verb.split()) :])
            if options is None:
                return 0
            debug = options.output.debug
            check_address_space()
            with log_to_stderr(debug):
                code = options.run()
            sys.stdout.flush()
            return int(code or 0)
        except SystemExit as left:  # help was printed, or tyro reported an error of its own
            return int(left.code or 0)
        except KeyboardInterrupt:
            print_status("rhapsode: interrupted; nothing half-written stays")
            return INTERRUPTED
        except BrokenPipeError:
            drop_output(sys.stdout)
            return BUG
        except Exception as error:
            if debug:
                traceback.print_exception(error)
            return _report(error, verb, debug)


def _options(verb: str, words: Sequence[str]) -> Any:
    """Read the options of a verb; None where there was only something to print."""
    if verb not in VERBS:
        if not verb and list(words) == ["--version"]:
            print(f"rhapsode {__version__}")
        elif not words or words[0] in ("-h", "--help"):
            print(group_help(verb))
        else:
            raise UsageError(f"no such option {words[0]}")
        return None
    from rhapsode.cli.parsing import parse

    kind, prog = VERBS[verb].options(), f"rhapsode {verb}"
    if not isinstance(kind, type):
        return kind.parse(prog, words)
    paragraphs = [VERBS[verb].summary, inspect.getdoc(kind), "\n".join(verb_list(verb))]
    return parse(kind, prog, words, "\n\n".join(one for one in paragraphs if one))


def _report(error: Exception, verb: str, debug: bool) -> int:
    if isinstance(error, RhapsodeError):
        print_status(f"rhapsode: error: {explain(error, verb)}")
        return REFUSED
    if is_want_of_memory(error):
        print_status("rhapsode: error: no memory left; choose a smaller --size, or end other programs")
        return REFUSED
    if isinstance(error, OSError) and error.filename:
        reason = (error.strerror or "cannot be used").lower()
        print_status(f"rhapsode: error: {error.filename}: {reason}; check the path and its permissions")
        return REFUSED
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        try:
            sys.stdout.flush()
        except OSError:
            drop_output(sys.stdout)
        print_status(
            f"rhapsode: error: cannot write or open ({reason}); check disks, limits, and where the output goes"
        )
        return REFUSED
    hint = "please report it with the lines above" if debug else "run again with --debug to see where, and report it"
    print_status(f"rhapsode: error: this is a bug in rhapsode ({type(error).__name__}: {error}); {hint}")
    return BUG
