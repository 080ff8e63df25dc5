"""The command line, a file for each verb: `rhapsode animate`, `learn-style`, `styles`, `prepare`, `train`...

Torch, MediaPipe and FFmpeg take seconds to import; they are imported in the verbs, so that help and usage errors
come at once.
"""

import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from rhapsode import __version__
from rhapsode.cli import animate, bench, doctor, evaluate, export, learn_style, prepare, styles, train
from rhapsode.cli.hints import with_hint
from rhapsode.cli.options import HELP, PLAIN, UsageError
from rhapsode.cli.terminal import ending_like_interrupts, logging_to_stderr, print_status
from rhapsode.errors import RhapsodeError

BUG, REFUSED, INTERRUPTED = 1, 2, 130
"""Exit codes besides 0: a fault of the program, input or usage that it refuses, Ctrl-C."""

app = typer.Typer(**PLAIN, context_settings=HELP, pretty_exceptions_enable=False)
app.command(context_settings=HELP)(animate.animate)
app.command("learn-style", context_settings=HELP)(learn_style.learn_style)
app.add_typer(styles.app, name="styles")
app.command(context_settings=HELP)(prepare.prepare)
app.add_typer(train.app, name="train")
app.add_typer(evaluate.app, name="evaluate")
app.command(context_settings=HELP)(export.export)
app.command(context_settings=HELP)(bench.bench)
app.command(context_settings=HELP)(doctor.doctor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: what stands after `rhapsode`; the process's own where None.

    Returns:
        The exit code: 0 done, 1 a fault of the program (or, of `doctor`, of the installation), 2 input or usage
        refused, 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    with ending_like_interrupts(), logging_to_stderr(debug):
        try:
            code = app(args=words, prog_name="rhapsode", standalone_mode=False)
        except (RhapsodeError, TyperException, typer.Abort) as error:
            code = _report_user_error(error, debug)
        except KeyboardInterrupt:
            code = INTERRUPTED
        except BrokenPipeError:
            code = BUG
        except OSError as error:
            code = _report_user_error(error, debug) if error.filename else _report_bug(error, debug)
        except Exception as error:
            code = _report_bug(error, debug)
    if code == INTERRUPTED:
        print_status("rhapsode: interrupted; nothing half-written stays")
    return code if isinstance(code, int) else 0


@app.callback(invoke_without_command=True)
def rhapsode(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Make a portrait speak: one picture and a voice become a talking-head video."""
    if version:
        typer.echo(f"rhapsode {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


def _report_user_error(error: Exception, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    if isinstance(error, typer.Abort):
        return INTERRUPTED
    if isinstance(error, TyperException):
        message = error.format_message().rstrip(".")
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "rhapsode"
        print_status(f"rhapsode: error: {message}; see {command} --help")
    elif isinstance(error, UsageError):
        print_status(f"rhapsode: error: {error}; see rhapsode animate --help")
    elif isinstance(error, OSError):
        print_status(
            f"rhapsode: error: {error.filename}: {(error.strerror or '').lower()}; check the path and its permissions"
        )
    else:
        print_status(f"rhapsode: error: {with_hint(error) if isinstance(error, RhapsodeError) else error}")
    return REFUSED


def _report_bug(error: Exception, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    hint = "please report it with the lines above" if debug else "run again with --debug to see where, and report it"
    print_status(f"rhapsode: error: this is a bug in rhapsode ({type(error).__name__}: {error}); {hint}")
    return BUG
