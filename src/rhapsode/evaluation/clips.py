"""The clips that methods are scored on: a sound, and the real motion in sync with it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhapsode.bundle import RESEARCH, Bundle
from rhapsode.data.clips import Clip
from rhapsode.data.motion_windows import align_clip
from rhapsode.data.store import PreparedClip, open_store
from rhapsode.face.expression import disentangle
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.motion.model import SpeechModel
from rhapsode.progress import Progress, no_progress

#: The first generator that this package shipped.
FIRST_GENERATOR = "motion_generator_v0.safetensors"


@dataclass(frozen=True)
class RealClip:
    """Hold a clip of a real speaker.

    Attributes:
        tracked: the clip with its sound and landmarks.
        real: (T, 68, 3) the speaker's offsets from rest, canonical space, 60 a second, in sync with the sound.
        rest: (68, 3) the speaker's resting face, canonical space.
        rest_time: time at which the speaker is at rest and the head near its median pose, seconds of the sound.
        av_offset: seconds by which the sound of the recording is late against its video; corrected in `real`.
    """

    tracked: PreparedClip
    real: np.ndarray
    rest: np.ndarray
    rest_time: float
    av_offset: float

    @property
    def clip(self) -> Clip:
        """Give the recording."""
        return self.tracked.clip

    @property
    def sound(self) -> Waveform:
        """Give the sound, 16 kHz."""
        return Waveform(self.tracked.samples, SAMPLE_RATE)

    @property
    def group(self) -> str:
        """Give the corpus: the first folder of the clip's name, or the second where the first is `expressive`."""
        folders = self.clip.name.split("/")[:-1] or ["clips"]
        return folders[1] if folders[0] == "expressive" and len(folders) > 1 else folders[0]


def load_first_model(research: str | Path = RESEARCH) -> SpeechModel:
    """Load the generator that the first version of this package shipped, `v0`, with its encoder.

    Args:
        research: the bundle of research weights.

    Raises:
        WeightsError: they are not there, as in an installed package, or damaged.
    """
    return SpeechModel.read(Bundle.load(research).path(FIRST_GENERATOR))


def real_clips(data: Path, store: Path, progress: Progress = no_progress) -> list[RealClip]:
    """Read every usable clip of a data folder.

    Args:
        data: a store, or a folder of recordings, which is prepared first.
        store: where recordings are prepared.
        progress: watches the stage `clips` where recordings are prepared.

    Raises:
        DataError: as `open_store`.
    """
    clips = []
    for one in open_store(data, store, progress).load_all():
        aligned = align_clip(one)
        rest_time = float(one.times[_most_at_rest(one.landmarks)])
        clips.append(RealClip(one, aligned.expression, aligned.rest, rest_time, one.av_offset))
    return clips


def _most_at_rest(landmarks: np.ndarray) -> int:
    """Find, among the tenth of the frames nearest to rest, the one with the head nearest to its median pose."""
    offsets, _, pose = disentangle(landmarks)
    moved = np.linalg.norm(offsets, axis=-1).mean(1)
    turned = np.linalg.norm(pose.rotation - np.median(pose.rotation, axis=0), axis=1)
    return int(np.where(moved <= np.quantile(moved, 0.1), turned, np.inf).argmin())
