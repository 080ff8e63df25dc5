"""A folder of prepared clips, opened for trainings and evaluations; the clips are read one at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhapsode.data.clips import Clip
from rhapsode.data.corpora import read_source
from rhapsode.data.index import INDEX, Entry, as_float, is_store, load_arrays, read_index
from rhapsode.data.prepare import prepare
from rhapsode.errors import DataError
from rhapsode.face.geometry import Pose


@dataclass(frozen=True)
class PreparedClip:
    """A clip, its lag taken out.

    Attributes:
        clip: where it comes from.
        times: (T,) float64, seconds on the clock of the sound, of the frames in which a face was found.
        landmarks: (T, 68, 3) float32, image pixels.
        pose: where the head is, on the person's own resting face.
        samples: (N,) float32, sound at 16 kHz, loudness normalised.
        mel: (2M, 80) float32 log-mel of the sound, 120 frames a second.
        masks: (K, h, w) uint8, how surely each part of the picture shows a person, 255 = certainly.
        mask_times: (K,) float64, seconds on the clock of the sound.
        av_offset: seconds by which the sound was late against the lips as recorded.
        sync_confidence: correlation of the lips with those that the sound asks for.
    """

    clip: Clip
    times: np.ndarray
    landmarks: np.ndarray
    pose: Pose
    samples: np.ndarray
    mel: np.ndarray
    masks: np.ndarray
    mask_times: np.ndarray
    av_offset: float
    sync_confidence: float


@dataclass(frozen=True)
class ClipStore:
    """A folder of prepared clips.

    Attributes:
        folder: where it lies.
        entries: a row for each clip, dropped ones too.
    """

    folder: Path
    entries: Sequence[Entry]

    @classmethod
    def open(cls, folder: Path) -> "ClipStore":
        """Read the index of a store.

        Raises:
            DataError: if the folder is no store, or its index is damaged.
        """
        if not is_store(folder):
            raise DataError(f"{folder}: no prepared store; make one with rhapsode prepare SOURCE --out {folder}")
        return cls(folder, list(read_index(folder).values()))

    @property
    def kept(self) -> list[Entry]:
        """The clips that can be used."""
        return [entry for entry in self.entries if not entry.dropped]

    def load_all(self) -> list[PreparedClip]:
        """Read the arrays of every clip that can be used."""
        return [self.load(entry) for entry in self.kept]

    def load(self, entry: Entry) -> PreparedClip:
        """Read the arrays of one clip.

        Raises:
            DataError: if none are kept of it, or the file is missing or damaged.
        """
        if not entry.file:
            raise DataError(f"{entry.name}: was left out ({entry.dropped}: {entry.note}); choose another clip")
        arrays = load_arrays(self.folder, entry)
        pose = Pose(*(arrays[name].astype(np.float64) for name in ("rotation", "translation", "scale")))
        return PreparedClip(
            clip=entry.clip,
            times=arrays["times"] + entry.av_offset,
            landmarks=arrays["landmarks"],
            pose=pose,
            samples=as_float(arrays["samples"]),
            mel=arrays["mel"].astype(np.float32),
            masks=arrays["masks"],
            mask_times=arrays["mask_times"] + entry.av_offset,
            av_offset=entry.av_offset,
            sync_confidence=entry.sync_confidence,
        )


def open_store(
    data: Path,
    store: Path,
    progress: Callable[[int, int], None] | None = None,
    *,
    split: str | None = None,
    style: str | None = None,
    sync_model: Path | None = None,
) -> ClipStore:
    """The usable clips of a prepared store, or of a folder of recordings, which is prepared into `store` first.

    Args:
        data: a store, or a folder that `read_source` understands.
        store: where to keep what is made of the recordings; not used where `data` is a store.
        progress: called with (clips done, clips to do) where clips are prepared.
        split: only clips of this split.
        style: only clips of this style.
        sync_model: weights of the Motion Generator that measures lags where clips are prepared, as in `prepare`.

    Raises:
        DataError: if `data` is neither, or holds no usable clip of that split and style.
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
        raise DataError(f"{data}: holds no usable clip{kind}; add some, or see why in {opened.folder / INDEX}")
    return ClipStore(opened.folder, usable)
