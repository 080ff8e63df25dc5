"""Options that verbs have in common, and the words of a help text that types do not tell."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import FlagCreatePairsOff, Positional, arg
from tyro.constructors import PrimitiveConstructorSpec

__all__ = [
    "Flag", "Json", "Library", "Model", "Output", "Plain", "Positional", "Store", "at_least", "number_of", "option",
]  # fmt: skip

#: A switch that is off unless it is given.
Flag = Annotated[bool, FlagCreatePairsOff, arg(help_behavior_hint="")]


def option(metavar: str | None = None, default: str | None = None, name: str | None = None) -> Any:
    """Describe an option.

    Args:
        metavar: what stands for its value.
        default: what holds where it is not given, where its default value does not tell.
        name: of the option, where it is not that of its field; empty for a group whose options have no prefix.
    """
    return arg(metavar=metavar, name=name, help_behavior_hint=None if default is None else f"(default: {default})")


def at_least(lowest: int) -> PrimitiveConstructorSpec[int]:
    """Read a whole number that is not below `lowest`."""

    def read(words: list[str]) -> int:
        try:
            number = int(words[0])
        except ValueError:
            number = lowest - 1
        if number < lowest:
            raise ValueError(f"{words[0]!r} is no whole number from {lowest} on")
        return number

    write: Callable[[int], list[str]] = lambda number: [str(number)]  # noqa: E731
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="N",
        instance_from_str=read,
        is_instance=lambda it: isinstance(it, int),
        str_from_instance=write,
    )


def number_of(default: str) -> Any:
    """Give the type of a whole number from 1 on, None where it is not given."""
    return Annotated[int | None, at_least(1), option("N", default)]


Library = Annotated[Path | None, option("FOLDER", "your data folder")]
Model = Annotated[str, option("MODEL")]
Store = Annotated[Path, option("FOLDER")]


@dataclass(frozen=True)
class Plain:
    """How a verb reports."""

    debug: Flag = False
    """Show the traceback of an error."""


@dataclass(frozen=True)
class Json(Plain):
    """How a verb reports that can print JSON."""

    json: Flag = False
    """Print the result as one line of JSON."""

    @property
    def shows_progress(self) -> bool:
        """Tell whether progress is shown: with JSON on a terminal only, since other programs may read both."""
        return not self.json or sys.stderr.isatty()


@dataclass(frozen=True)
class Output(Json):
    """How a verb reports that can be quiet."""

    quiet: Flag = False
    """Print nothing but warnings and errors."""

    @property
    def shows_progress(self) -> bool:
        """Tell whether progress is shown."""
        return not self.quiet and super().shows_progress
