"""A style clip: motion and sound of the person whose style is learnt."""

from dataclasses import dataclass, replace

import numpy as np

from rhapsode.data.head_path import head_path
from rhapsode.data.motion_windows import align_clip
from rhapsode.data.store import PreparedClip
from rhapsode.face.expression import resample
from rhapsode.face.geometry import Pose
from rhapsode.face.lasting import balanced, expressed, lasting_units
from rhapsode.metrics.head import blinks, lid_closure


@dataclass(frozen=True)
class StyleClip:
    """Hold what a style is learnt from.

    Attributes:
        name: name of the clip's file.
        expression: (T, 68, 3) float32 offsets from the person's own resting face, canonical space, 60 a second.
        rest: (68, 3) that face.
        clip: landmarks, pose and sound as tracked, offset corrected.
        recorded_times: (N,) times of the clip's frames on the clock of the video file, seconds.
        blink_times: (N, 2) seconds at which blinks begin and end.
        lasting: (51,) float32, the units of expression that last in it, against a neutral face.
        sha256: of the clip's file; empty where unknown.
    """

    name: str
    expression: np.ndarray
    rest: np.ndarray
    clip: PreparedClip
    recorded_times: np.ndarray
    blink_times: np.ndarray
    lasting: np.ndarray
    sha256: str = ""

    @property
    def seconds(self) -> float:
        """Give the length of the video."""
        return length_of(self.clip.times)

    @classmethod
    def from_prepared(cls, clip: PreparedClip) -> "StyleClip":
        """Make one of a clip of a store."""
        aligned = align_clip(clip)
        return cls(
            name=clip.clip.path.name,
            expression=aligned.expression,
            rest=aligned.rest,
            clip=clip,
            recorded_times=clip.times - clip.av_offset,
            blink_times=blinks(lid_closure(clip.landmarks), clip.times),
            lasting=expressed(lasting_units(clip.units)),
        )

    def against(self, neutral: np.ndarray) -> "StyleClip":
        """Measure the lasting expression against the person's own neutral face.

        Args:
            neutral: (51,) units of expression that last in the same person with a relaxed face.
        """
        return replace(self, lasting=balanced(lasting_units(self.clip.units) - neutral))


def length_of(times: np.ndarray) -> float:
    """Give the seconds from the first of the frames at `times` (T,) to the end of the last."""
    return float(times[-1] - times[0] + np.median(np.diff(times))) if len(times) > 1 else 0.0


def head_spread(clip: PreparedClip) -> np.ndarray:
    """Give the standard deviations (5,) of the head's motion, in the directions of `HeadModel`."""
    path, _ = head_path(clip)
    return path.std(0)


def rotation_at(clip: PreparedClip, times: np.ndarray) -> np.ndarray:
    """Give the rotation vectors (N, 3) of the head, radians, at `times` (N,) in seconds."""
    pose: Pose = clip.pose
    return resample(pose.rotation, clip.times, times)
