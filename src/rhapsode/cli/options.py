"""What the verbs have in common: options, and the refusal of options that do not go together."""

from pathlib import Path
from typing import Annotated, Any

import typer

from rhapsode.errors import RhapsodeError

PLAIN: dict[str, Any] = {"rich_markup_mode": None, "add_completion": False}
HELP = {"help_option_names": ["-h", "--help"]}

Data = Annotated[Path, typer.Option(metavar="FOLDER", help="Prepared store, or folder of recordings.")]
Store = Annotated[Path, typer.Option(metavar="FOLDER", help="Where recordings are prepared, on the first run.")]
Pairs = Annotated[Path, typer.Option(metavar="FOLDER", help="Where pairs of frames are prepared, on the first run.")]
Library = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Where your styles are.  [default: your data folder]")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


class UsageError(RhapsodeError):
    """Options that do not go together, or a value that is not understood."""
