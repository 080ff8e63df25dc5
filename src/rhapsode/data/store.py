"""A store of prepared clips, as trainings and evaluations read it, one clip at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhapsode.data.clips import Clip
from rhapsode.data.corpora import read_source
from rhapsode.data.index import INDEX, Entry, as_float, is_store, load_arrays, read_index
from rhapsode.data.prepare import prepare
from rhapsode.errors import DataError
from rhapsode.face.geometry import Pose
from rhapsode.progress import Progress, no_progress


@dataclass(frozen=True)
class PreparedClip:
    """Hold a clip whose audio-visual offset is corrected.

    Attributes:
        clip: the recording.
        times: (T,) float64, seconds from the start of the sound, of the frames in which a face was found.
        landmarks: (T, 68, 3) float32, image pixels.
        units: (T, 51) float32, units of expression (`face.units`), as the expression network reads them.
        pose: (T,) pose of the head, fitted to the person's own resting face.
        samples: (N,) float32 in [-1, 1], 16 kHz, loudness normalised.
        mel: (2M, 80) float32 log-mel of the sound, 120 frames a second.
        av_offset: seconds by which the sound was late against the lips as recorded.
        sync_confidence: correlation of the mouth opening with the one generated from the sound.
    """

    clip: Clip
    times: np.ndarray
    landmarks: np.ndarray
    units: np.ndarray
    pose: Pose
    samples: np.ndarray
    mel: np.ndarray
    av_offset: float
    sync_confidence: float


@dataclass(frozen=True)
class ClipStore:
    """Give access to a folder of prepared clips.

    Attributes:
        folder: the store.
        entries: a row for each clip, those left out included.
    """

    folder: Path
    entries: Sequence[Entry]

    @classmethod
    def open(cls, folder: Path) -> "ClipStore":
        """Read the index of a store.

        Raises:
            DataError: the folder is no store, or its index is damaged.
        """
        if not is_store(folder):
            raise DataError(f"{folder}: not a store of prepared clips", "prepare one from recordings first", "no-store")
        return cls(folder, list(read_index(folder).values()))

    @property
    def kept(self) -> list[Entry]:
        """List the clips that can be used."""
        return [entry for entry in self.entries if not entry.dropped]

    def load_all(self) -> list[PreparedClip]:
        """Read the arrays of every clip that can be used."""
        return [self.load(entry) for entry in self.kept]

    def load(self, entry: Entry) -> PreparedClip:
        """Read the arrays of one clip.

        Raises:
            DataError: the clip has no arrays, or their file is missing or damaged.
        """
        if not entry.file:
            raise DataError(f"{entry.name}: was left out ({entry.dropped}: {entry.note})", "choose another clip")
        arrays = load_arrays(self.folder, entry)
        pose = Pose(*(arrays[name].astype(np.float64) for name in ("rotation", "translation", "scale")))
        return PreparedClip(
            clip=entry.clip,
            times=arrays["times"] + entry.av_offset,
            landmarks=arrays["landmarks"],
            units=arrays["units"].astype(np.float32),
            pose=pose,
            samples=as_float(arrays["samples"]),
            mel=arrays["mel"].astype(np.float32),
            av_offset=entry.av_offset,
            sync_confidence=entry.sync_confidence,
        )


def open_store(
    data: Path,
    store: Path,
    progress: Progress = no_progress,
    *,
    split: str | None = None,
    style: str | None = None,
    sync_model: Path | None = None,
) -> ClipStore:
    """Open the usable clips of a store, or of a folder of recordings, which is prepared first.

    Args:
        data: a store, or a folder that `read_source` understands.
        store: where recordings are prepared; not used where `data` is a store.
        progress: watches the stage `clips` where recordings are prepared.
        split: only clips of this split.
        style: only clips of this style.
        sync_model: as in `prepare`.

    Raises:
        DataError: `data` is neither, or holds no usable clip of that split and style.
    """

    def wanted(clip: Clip | Entry) -> bool:
        return split in (None, clip.split) and style in (None, clip.style)

    if is_store(data):
        opened = ClipStore.open(data)
    else:
        report = prepare([clip for clip in read_source(data) if wanted(clip)], store, sync_model, progress=progress)
        opened = ClipStore(store, report.entries)
    usable = [entry for entry in opened.kept if wanted(entry)]
    if not usable:
        kind = "".join(f" of {what} {name!r}" for what, name in (("split", split), ("style", style)) if name)
        reasons = opened.folder / INDEX
        raise DataError(f"{data}: holds no usable clip{kind}", f"add some, or see why in {reasons}", "no-clips")
    return ClipStore(opened.folder, usable)
