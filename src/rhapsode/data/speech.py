"""Recordings of speech without video, for models that learn from sound alone."""

import csv
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rhapsode.data.clips import listed_but_missing, read_table
from rhapsode.errors import AudioError, DataError
from rhapsode.media.sound import load_waveform
from rhapsode.media.waveform import SAMPLE_RATE, Waveform

log = logging.getLogger(__name__)

#: 103/1240/103-1240-0000.flac: reader, chapter, utterance.
_LIBRISPEECH = re.compile(r"^(?P<reader>\d+)-\d+-\d{4}$")
#: Common Voice's lists of recordings that its listeners validated, the largest first.
_COMMON_VOICE = ("validated.tsv", "train.tsv")
#: Columns that `speech.csv` needs.
COLUMNS = ("path", "speaker", "language", "license")


@dataclass(frozen=True)
class Utterance:
    """Describe one recording of one person.

    Attributes:
        path: the sound file.
        name: its path within the folder it was read from; unique there.
        speaker: who speaks; utterances with the same name are by the same person.
        language: code such as `en` or `zh-CN`.
        license: license of the recording.
    """

    path: Path
    name: str
    speaker: str
    language: str
    license: str


def read_speech(folder: Path) -> list[Utterance]:
    """List every utterance in a folder of speech.

    The folder is LibriSpeech, Common Voice (one language or several), a part of either, or one that lists its own
    recordings in `speech.csv` with the columns path, speaker, language and license. Recordings that Common Voice lists
    but that do not exist are skipped, since few people keep all of them.

    Raises:
        DataError: there is no such folder, it has none of these layouts, or its list is faulty.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder", "check the path", "no-folder")
    if (folder / "speech.csv").is_file():
        utterances = _listed(folder)
    else:
        utterances = list(_common_voice(folder)) or list(_librispeech(folder))
    if not utterances:
        raise DataError(
            f"{folder}: holds no speech.csv and no recordings of Common Voice or LibriSpeech",
            "list your recordings in speech.csv",
            "unknown-layout",
        )
    return utterances


def load_speech(path: Path) -> Waveform:
    """Decode a recording to learn from.

    Returns:
        16 kHz mono.

    Raises:
        DataError: it cannot be decoded, is silent throughout, or is louder than any recording can be.
    """
    try:
        sound = load_waveform(path, SAMPLE_RATE)
    except AudioError as error:
        why = error.message.removeprefix(f"{path}: ").removeprefix(f"{path.name}: ")
        raise _unusable(path, why) from error
    if not sound.samples.any():
        raise _unusable(path, "silent throughout")
    return sound


def _unusable(path: Path, why: str) -> DataError:
    return DataError(f"{path}: {why}", "record it again, or take it off the list", "unusable-speech")


@cache
def leave_out(why: str) -> None:
    """Warn, once, that a recording is left out, with what `load_speech` said of it."""
    log.warning("%s; left out", why, extra={"code": "unusable-speech"})


def _listed(folder: Path) -> list[Utterance]:
    table = folder / "speech.csv"
    utterances = [
        Utterance(folder / row["path"], row["path"], row["speaker"], row["language"], row["license"])
        for row in read_table(table, COLUMNS)
    ]
    for utterance in utterances:
        if not utterance.path.is_file():
            raise listed_but_missing(utterance.path, table)
    return utterances


def _common_voice(folder: Path) -> Iterator[Utterance]:
    for clips in sorted(folder.glob("**/clips/")):
        table = next((clips.parent / name for name in _COMMON_VOICE if (clips.parent / name).is_file()), None)
        if table is None:
            continue
        for row in read_table(table, ("client_id", "path"), _Tabs):
            # Early releases leave out the file extension and the locale.
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
    """Separate columns by tabs; quotation marks are part of the sentences."""

    quoting = csv.QUOTE_NONE
