"""Speech without pictures, to train the audio encoder on."""

import csv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Utterance:
    """One recording of one person speaking."""

    path: Path
    name: str
    speaker: str
    language: str
    licence: str


def read_speech(folder: Path) -> list[Utterance]:
    """Every utterance of a folder."""
    if (folder / "speech.csv").is_file():
        with (folder / "speech.csv").open(newline="", encoding="utf-8-sig") as file:
            return [
                Utterance(folder / r["path"], r["path"], r["speaker"], r["language"], r["licence"])
                for r in csv.DictReader(file)
            ]
    with (folder / "clips.csv").open(newline="", encoding="utf-8-sig") as file:
        return [
            Utterance(folder / r["path"], r["path"], r["speaker"], "en", r["licence"])
            for r in csv.DictReader(file)
            if r["split"] == "train"
        ]
