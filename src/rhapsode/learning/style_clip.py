"""A style clip: motion and sound of the person whose style is learnt."""

from dataclasses import dataclass, replace

import numpy as np

from rhapsode.data.head_path import head_path
from rhapsode.data.motion_windows import align_clip
from rhapsode.data.store import PreparedClip
from rhapsode.face.expression import resample, resting_face
from rhapsode.face.geometry import Pose, fit_pose, to_canonical
from rhapsode.face.landmarks import EYES, LID_PAIRS
from rhapsode.metrics.head import blinks, lid_closure
from rhapsode.motion.retarget import lips_together


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
        rest_expression: (68, 3) float32, the resting face of the clip against the neutral face; zero without one.
        eyelid_offset: how far the eyelids hang against those of the neutral face, 0 to 1.
        sha256: of the clip's file; empty where unknown.
    """

    name: str
    expression: np.ndarray
    rest: np.ndarray
    clip: PreparedClip
    recorded_times: np.ndarray
    blink_times: np.ndarray
    rest_expression: np.ndarray
    eyelid_offset: float
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
            rest_expression=np.zeros((68, 3), np.float32),
            eyelid_offset=0.0,
        )

    def against(self, neutral: np.ndarray) -> "StyleClip":
        """Measure the resting expression against the person's neutral face.

        Args:
            neutral: (68, 3) canonical landmarks of the same person with a relaxed face.
        """
        canonical = to_canonical(self.clip.landmarks, fit_pose(self.clip.landmarks, neutral))
        # Lips that are apart at rest belong to speech; the resting expression is what the rest of the face does.
        rest_expression = lips_together(resting_face(canonical) - neutral)
        rest_expression[EYES] = 0
        gap, neutral_gap = (float(np.median(_lid_gap(face))) for face in (canonical, neutral[None]))
        eyelid_offset = float(np.clip(1 - gap / neutral_gap, 0, 0.5))
        return replace(self, rest_expression=rest_expression.astype(np.float32), eyelid_offset=eyelid_offset)


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


def _lid_gap(faces: np.ndarray) -> np.ndarray:
    """Give the mean distance between upper and lower lids, (T, 68, 3) -> (T,)."""
    return np.linalg.norm(faces[:, LID_PAIRS[:, 0]] - faces[:, LID_PAIRS[:, 1]], axis=-1).mean(1)
