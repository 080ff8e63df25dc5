"""Recordings of speech without a picture, for what is learnt from sound alone."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rhapsode.data.clips import with_license
from rhapsode.errors import DataError

#: 103/1240/103-1240-0000.flac: reader, chapter, utterance.
_LIBRISPEECH = re.compile(r"^(?P<reader>\d+)-\d+-\d{4}$")
#: Common Voice's lists of the recordings that its listeners found good, the widest first.
_COMMON_VOICE = ("validated.tsv", "train.tsv")


@dataclass(frozen=True)
class Utterance:
    """One recording of one person.

    Attributes:
        path: the sound file.
        name: its path within the folder it was read from, which names it everywhere.
        speaker: who speaks; the same name in two utterances means the same person.
        language: code such as `en` or `zh-CN`.
        license: the licence of the recording.
    """

    path: Path
    name: str
    speaker: str
    language: str
    license: str


def read_speech(folder: Path) -> list[Utterance]:
    """Every utterance in a folder of speech.

    The folder is LibriSpeech, Common Voice (one language or several), a part of either, or one that lists its own
    recordings in `speech.csv` with the columns path, speaker, language and license. Recordings that Common Voice lists
    but that are not there are passed over, since few keep all of them.

    Raises:
        DataError: if there is no such folder, it is none of these, or its list is faulty.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; check the path")
    if (folder / "speech.csv").is_file():
        utterances = _listed(folder)
    else:
        utterances = list(_common_voice(folder)) or list(_librispeech(folder))
    if not utterances:
        raise DataError(
            f"{folder}: holds no speech.csv and no recordings of Common Voice or LibriSpeech; list yours in speech.csv"
        )
    return utterances


def _listed(folder: Path) -> list[Utterance]:
    table = folder / "speech.csv"
    rows = _rows(table, csv.excel, ("path", "speaker", "language", "license"))
    utterances = [
        Utterance(
            folder / row["path"],
            row["path"],
            row["speaker"],
            row["language"],
            row["license"],
        )
        for row in rows
    ]
    for utterance in utterances:
        if not utterance.path.is_file():
            raise DataError(f"{utterance.path}: listed in {table.name} but not there; restore it or remove its row")
    return utterances


def _common_voice(folder: Path) -> Iterator[Utterance]:
    for clips in sorted(folder.glob("**/clips/")):
        table = next((clips.parent / name for name in _COMMON_VOICE if (clips.parent / name).is_file()), None)
        if table is None:
            continue
        for row in _rows(table, _Tabs, ("client_id", "path")):
            # Early releases name the recordings without their ending, and no locale.
            path = clips / (row["path"] if row["path"].endswith(".mp3") else row["path"] + ".mp3")
            language = row.get("locale") or clips.parent.name
            if path.is_file():
                yield Utterance(path, path.relative_to(folder).as_posix(), row["client_id"], language, "CC0-1.0")


def _librispeech(folder: Path) -> Iterator[Utterance]:
    for path in sorted(folder.glob("**/*.flac")):
        match = _LIBRISPEECH.match(path.stem)
        if match:
            yield Utterance(path, path.relative_to(folder).as_posix(), match["reader"], "en", "CC-BY-4.0")


class _Tabs(csv.excel_tab):
    """Columns between tabs; the quotation marks of a spoken sentence quote no column."""

    quoting = csv.QUOTE_NONE


def _rows(table: Path, dialect: type[csv.Dialect], columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        # Spreadsheets put a byte order mark in front.
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = [with_license(row) for row in csv.DictReader(file, dialect=dialect, restval="")]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: not a table in UTF-8 ({error}); save it as one") from None
    missing = [column for column in columns if rows and column not in rows[0]]
    if missing:
        raise DataError(f"{table}: column {missing[0]!r} is missing; it needs {', '.join(columns)}")
    return rows
