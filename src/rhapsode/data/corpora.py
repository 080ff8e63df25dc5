"""Talking-face corpora as published, recognised by their file names."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rhapsode.data.clips import Clip, read_clips
from rhapsode.errors import DataError

LIST = "clips.csv"
"""Layout of a folder that lists its own clips."""


@dataclass(frozen=True)
class _Layout:
    """Describe a corpus whose file names hold speaker and style.

    Attributes:
        pattern: matches the end of a file's path, `/` between folders.
        license: of every recording.
        describe: from a match to speaker and style; None for files to skip.
        split: from a match to the split, the published one where there is one.
    """

    pattern: re.Pattern[str]
    license: str
    describe: Callable[[re.Match[str]], tuple[str, str] | None]
    split: Callable[[re.Match[str]], str] = lambda _: "train"


_CREMAD_EMOTIONS = {
    "ANG": "angry", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad",
}  # fmt: skip
_RAVDESS_EMOTIONS = {
    "01": "neutral", "02": "calm", "03": "happy", "04": "sad",
    "05": "angry", "06": "fearful", "07": "disgust", "08": "surprised",
}  # fmt: skip


def _grid(match: re.Match[str]) -> tuple[str, str]:
    return f"grid-{match['speaker']}", "neutral"


def _cremad(match: re.Match[str]) -> tuple[str, str]:
    return f"cremad-{match['actor']}", _CREMAD_EMOTIONS[match["emotion"]]


def _ravdess(match: re.Match[str]) -> tuple[str, str] | None:
    if match["modality"] != "01":  # 02 has no sound, 03 no picture
        return None
    emotion = _RAVDESS_EMOTIONS[match["emotion"]]
    return f"ravdess-{match['actor']}", emotion if match["channel"] == "01" else f"{emotion} song"


def _voxceleb2(match: re.Match[str]) -> tuple[str, str]:
    return f"voxceleb2-{match['speaker']}", "interview"


_LAYOUTS = {
    # s1/bbaf2n.mpg; the parts of the first publication unpack to s1.mpg_vcd/ or s1/video/mpg_6000/.
    "grid": _Layout(
        re.compile(
            r"(?:^|/)(?P<speaker>s\d{1,2})(?:\.mpg_\w+)?/(?:video/)?(?:mpg_\w+/)?"
            r"[blps][bgrw][abiw][a-z][1-9z][anps]\.mpg$"
        ),
        "CC-BY-4.0",
        _grid,
    ),
    # VideoFlash/1001_DFA_ANG_XX.flv: actor, sentence, emotion, level.
    "crema-d": _Layout(
        re.compile(r"(?:^|/)(?P<actor>1\d{3})_[A-Z]{3}_(?P<emotion>ANG|DIS|FEA|HAP|NEU|SAD)_(?:LO|MD|HI|XX|X)\.flv$"),
        "ODbL-1.0 + DbCL-1.0",
        _cremad,
    ),
    # Actor_01/01-01-03-01-01-01-01.mp4: modality, channel, emotion, intensity, statement, repetition, actor.
    # Its license forbids shipping models trained on it, so it is for evaluation only.
    "ravdess": _Layout(
        re.compile(
            r"(?:^|/)(?P<modality>0[123])-(?P<channel>0[12])-(?P<emotion>0[1-8])-0[12]-0[12]-0[12]-(?P<actor>\d\d)\.mp4$"
        ),
        "CC-BY-NC-SA-4.0",
        _ravdess,
        lambda _: "eval",
    ),
    # dev/mp4/id00012/21Uxsk56VDQ/00001.mp4: speaker, video, cut. Its test speakers lie under test/.
    "voxceleb2": _Layout(
        re.compile(r"(?:^|/)(?:(?P<part>dev|test)/)?mp4/(?P<speaker>id\d{5})/[\w-]{11}/\d{5}\.mp4$"),
        "CC-BY-4.0",
        _voxceleb2,
        lambda match: "test" if match["part"] == "test" else "train",
    ),
}

LAYOUTS = (LIST, *_LAYOUTS)
"""Layouts that `read_source` knows."""


def recognise(folder: Path) -> str:
    """Recognise the layout of a folder.

    Raises:
        DataError: there is no such folder, or no file in it is named as in a known corpus.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder", "check the path", "no-folder")
    if (folder / LIST).is_file():
        return LIST
    for path in _files(folder):
        for name, layout in _LAYOUTS.items():
            if layout.pattern.search(path):
                return name
    raise DataError(
        f"{folder}: holds neither {LIST} nor files named as in {', '.join(_LAYOUTS)}",
        f"list your clips in {LIST}",
        "unknown-layout",
    )


def read_source(folder: Path, layout: str | None = None) -> list[Clip]:
    """List every clip in a folder of recordings.

    Args:
        folder: a corpus as published, or a part of it, or a folder with `clips.csv`.
        layout: one of `LAYOUTS`; recognised by file names where None.

    Returns:
        The clips in the order of `clips.csv`, or sorted by name; names begin with that of the corpus.

    Raises:
        DataError: the folder does not have that layout, or there is no such layout.
    """
    layout = layout or recognise(folder)
    if layout == LIST:
        return read_clips(folder)
    if layout not in _LAYOUTS:
        raise DataError(f"{layout}: no such layout", f"choose {', '.join(LAYOUTS)}", "unknown-layout")
    chosen = _LAYOUTS[layout]
    clips = []
    for path in _files(folder):
        match = chosen.pattern.search(path)
        described = chosen.describe(match) if match else None
        if match and described:
            speaker, style = described
            clips.append(Clip(folder / path, f"{layout}/{path}", speaker, chosen.split(match), style, chosen.license))
    if not clips:
        raise DataError(f"{folder}: no file in it is named as in {layout}", "choose another layout", "unknown-layout")
    return clips


def _files(folder: Path) -> Iterator[str]:
    """Walk all files within a folder in the order of their names, `/` between folders."""
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(root, name).relative_to(folder).as_posix()
