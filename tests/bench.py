"""Good input, and a way to try it together with bad on the command line."""

import wave
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from rhapsode import cli
from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import resample


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


class Bench:
    """A folder with good input, and a way to try it together with bad."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.out = folder / "talk.mp4"
        self.portrait = folder / "astronaut.png"
        astronaut(256).save(self.portrait)
        self.speech = folder / "speech.wav"
        write_sound(self.speech, hello())

    def animate(self, **options: object) -> Outcome:
        words = {"portrait": self.portrait, "audio": self.speech, "out": self.out} | options
        return self.run("animate", *(f"--{name}={word}" for name, word in words.items() if word is not None), "--quiet")

    def run(self, *words: str) -> Outcome:
        code = cli.main(words)
        captured = self.capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    def refused(self, outcome: Outcome, *words: str) -> None:
        """One line, with the words in it, and no video, whole or half."""
        assert outcome.code == 2, outcome
        assert outcome.out == ""
        assert outcome.err.startswith("rhapsode: error: ")
        assert outcome.err.count("\n") == 1, outcome.err
        assert "Traceback" not in outcome.err
        for word in words:
            assert word in outcome.err
        assert_no_video(self.folder)


def astronaut(side: int) -> Image.Image:
    return Image.fromarray(data.astronaut()).resize((side, side))


def hum(seconds: float) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * 150 * np.arange(round(16_000 * seconds)) / 16_000)


@cache
def hello() -> np.ndarray:
    """Half a second of speech at 16 kHz."""
    return resample(synthesise("Hello."), 16_000).samples[:8000]


def write_sound(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


def assert_no_video(folder: Path) -> None:
    assert [path.name for path in folder.iterdir() if "talk" in path.name] == []
