"""The list of talking-face clips to train and measure on: `clips.csv` in a data folder."""

import csv
from dataclasses import dataclass
from pathlib import Path

from rhapsode.errors import DataError


@dataclass(frozen=True)
class Clip:
    """One clip of one person speaking.

    Attributes:
        path: the video file.
        name: its path within the data folder, which names it everywhere.
        speaker: who speaks; the same name in two clips means the same person.
        split: `train`, `val`, `test`, or `eval` (measured on, never trained on).
        style: the manner, such as `neutral` or `angry`.
        license: the licence of the recording.
    """

    path: Path
    name: str
    speaker: str
    split: str
    style: str
    license: str

    @property
    def corpus(self) -> str:
        """The first folder of the name, such as `grid`."""
        return self.name.split("/", 1)[0]


def read_clips(data: Path) -> list[Clip]:
    """Every clip that `clips.csv` in the folder `data` lists.

    Raises:
        DataError: if there is no such list, a column is missing, or a listed file is not there.
    """
    table = data / "clips.csv"
    if not table.is_file():
        raise DataError(f"{table}: no such list of clips; name the data folder that holds clips.csv with --data")
    try:
        # Spreadsheets put a byte order mark in front.
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = [with_license(row) for row in csv.DictReader(file, restval="")]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: not a CSV file in UTF-8 ({error}); save it as one") from None
    try:
        clips = [
            Clip(
                data / row["path"],
                row["path"],
                row["speaker"],
                row["split"],
                row["style"],
                row["license"],
            )
            for row in rows
        ]
    except KeyError as error:
        raise DataError(
            f"{table}: column {error} is missing; clips.csv needs path, speaker, split, style, license"
        ) from None
    for clip in clips:
        if not clip.path.is_file():
            raise DataError(f"{clip.path}: listed in {table.name} but not there; restore it or remove its row")
    return clips


def with_license(row: dict[str, str]) -> dict[str, str]:
    """Rename the column `licence` of a table, which is read too, to `license`."""
    return {"license" if column == "licence" else column: value for column, value in row.items()}
