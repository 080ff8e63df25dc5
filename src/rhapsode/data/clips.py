"""The list of talking-face clips to train and measure on: `clips.csv` in a data folder."""

import csv
from dataclasses import dataclass
from pathlib import Path

from rhapsode.errors import DataError

#: Columns that `clips.csv` needs.
COLUMNS = ("path", "speaker", "split", "style", "license")


@dataclass(frozen=True)
class Clip:
    """Describe one clip of one person speaking.

    Attributes:
        path: the video file.
        name: its path within the data folder; unique, and used in reports and stores.
        speaker: who speaks; clips with the same name show the same person.
        split: `train`, `val`, `test`, or `eval` (scored, never trained on).
        style: speaking style, such as `neutral` or `angry`.
        license: license of the recording.
    """

    path: Path
    name: str
    speaker: str
    split: str
    style: str
    license: str

    @property
    def corpus(self) -> str:
        """Give the first folder of the name, such as `grid`."""
        return self.name.split("/", 1)[0]


def read_clips(data: Path) -> list[Clip]:
    """Read `clips.csv` in the folder `data`.

    Raises:
        DataError: there is no such list, a column is missing, or a listed file does not exist.
    """
    table = data / "clips.csv"
    if not table.is_file():
        raise DataError(f"{table}: no such list of clips", "name the data folder that holds clips.csv", "no-clips")
    rows = read_table(table, COLUMNS)
    clips = [
        Clip(data / row["path"], row["path"], row["speaker"], row["split"], row["style"], row["license"])
        for row in rows
    ]
    for clip in clips:
        if not clip.path.is_file():
            raise listed_but_missing(clip.path, table)
    return clips


def read_table(table: Path, columns: tuple[str, ...], dialect: type[csv.Dialect] = csv.excel) -> list[dict[str, str]]:
    """Read a CSV file with a header.

    Args:
        table: the file, UTF-8. A column `licence` is read as `license`.
        columns: that it must have.
        dialect: how fields are separated.

    Raises:
        DataError: it is no such table, or a column is missing.
    """
    try:
        # Spreadsheets write a byte order mark.
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = [_spell_license(row) for row in csv.DictReader(file, dialect=dialect, restval="")]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: not a table in UTF-8 ({error})", "save it as CSV in UTF-8", "bad-table") from None
    missing = [column for column in columns if rows and column not in rows[0]]
    if missing:
        raise DataError(
            f"{table}: column {missing[0]!r} is missing", f"give it the columns {', '.join(columns)}", "bad-table"
        )
    return rows


def listed_but_missing(path: Path, table: Path) -> DataError:
    """Make the error for a file that a table lists but that does not exist."""
    return DataError(f"{path}: listed in {table.name}, but there is no such file", "restore it or remove its row")


def _spell_license(row: dict[str, str]) -> dict[str, str]:
    return {"license" if column == "licence" else column: value for column, value in row.items()}
