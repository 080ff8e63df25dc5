"""Command lines read by tyro, from the types and docstrings of a dataclass; what it refuses is told in one line."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import tyro
from tyro import _errors as rejections  # Private, hence the narrow range of versions: tyro itself reports in a box.

from rhapsode.cli.errors import UsageError
from rhapsode.cli.verbs import members

Options = TypeVar("Options")


def parse(
    kind: type[Options], prog: str, words: Sequence[str], description: str = "", default: Options | None = None
) -> Options:
    """Read options; `--help` prints them and leaves by SystemExit.

    Args:
        kind: dataclass of the options.
        prog: command that the words belong to, such as `rhapsode animate`.
        words: options and their values.
        description: stands above the options in the help.
        default: holds default values instead of those of the dataclass; a field that must be given is `tyro.MISSING`.

    Raises:
        UsageError: an unknown option, one given twice, or a value that is missing or not understood.
    """
    with rejections.on_parse_error(_refuse):
        options = tyro.cli(
            kind,
            prog=prog,
            args=list(words),
            description=description,
            default=tyro.MISSING_NONPROP if default is None else default,
            config=(tyro.conf.AvoidSubcommands,),
        )
    names = Counter(word.partition("=")[0] for word in words if word.startswith("--"))
    for name, count in names.items():
        # Of an option given twice, tyro silently takes the last value; those that may be repeated are tuples.
        if count > 1 and not isinstance(_value(options, name[2:].replace("-", "_").split(".")), tuple):
            raise UsageError(f"{name} is given twice")
    return options


def _value(options: Any, path: Sequence[str]) -> Any:
    """Find the value of an option in a dataclass; the name of a group may be left out of its path."""
    for field in fields(options) if is_dataclass(options) else ():
        value = getattr(options, field.name)
        if field.name == path[0]:
            return _value(value, path[1:]) if len(path) > 1 else value
        if is_dataclass(value) and (found := _value(value, path)) is not None:
            return found
    return None


def _refuse(event: rejections.ParseErrorEvent) -> None:
    raise UsageError(_message(event))


def _message(event: rejections.ParseErrorEvent) -> str:
    if isinstance(event, rejections.UnrecognizedArgs):
        return _unknown(event.tokens, event.prog)
    if isinstance(event, rejections.MissingArgs):
        if event.unrecognized_tokens:  # most likely one that is missing, misspelt
            return _unknown(event.unrecognized_tokens, event.prog)
        names = [_name(missing.arg) for missing in event.missing_arguments]
        return f"{' and '.join(names)} must be given"
    if isinstance(event, rejections.InvalidChoice):
        return f"{_name(event.argument)} {event.value}: choose one of {', '.join(event.choices)}"
    if isinstance(event, rejections.BadValue):
        return f"{_name(event.argument)} needs a value"
    if isinstance(event, rejections.InstantiationFailure):
        return f"{_name(event.argument)}: {event.message}" if event.argument else event.message
    return "the options are not understood"


def _unknown(tokens: Sequence[str], prog: str) -> str:
    word = next((token for token in tokens if token.startswith("-")), tokens[0])
    if word in members(prog.removeprefix("rhapsode ")):
        return f"options stand after the verb; write {prog} {word} first"
    return f"no such option {word}" if word.startswith("-") else f"{word!r} is not understood"


def _name(argument: Any) -> str:
    return str(argument.lowered.metavar if argument.is_positional() else argument.lowered.name_or_flags[0])
