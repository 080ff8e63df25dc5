"""Heads and blinks of real speakers beside those that the streaming engine makes of their voices."""

from collections.abc import Sequence

import numpy as np

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.evaluation.clips import RealClip
from rhapsode.evaluation.report.page import Row, Table
from rhapsode.face.expression import disentangle
from rhapsode.metrics.head import blinks, head_statistics, lid_closure
from rhapsode.motion.stream import MotionStream, StyledMotionModel

_Measured = tuple[np.ndarray, np.ndarray, float]  # (3, 3) statistics of three axes, (N, 2) blinks, seconds

_AXES = "nod, turn, tilt"
_HEADINGS = (
    "corpus", f"spread, ° ({_AXES})", f"reach, ° ({_AXES})", f"speed, °/s ({_AXES})", "blinks a minute", "blink, s",
)  # fmt: skip


def head_table(clips: Sequence[RealClip], model: StyledMotionModel) -> Table:
    """Compare heads and blinks, corpus by corpus."""
    rows = []
    for group in dict.fromkeys(clip.group for clip in clips):
        members = [clip for clip in clips if clip.group == group]
        rows.append(Row([f"{group}, recorded", *_cells([_recorded(clip) for clip in members])]))
        rows.append(
            Row([f"{group}, generated", *_cells([_generated(clip, model, seed) for seed, clip in enumerate(members)])])
        )
    return Table(_HEADINGS, rows)


def _recorded(clip: RealClip) -> _Measured:
    times, landmarks = clip.tracked.times, clip.tracked.landmarks
    _, _, pose = disentangle(landmarks)
    shut = blinks(lid_closure(landmarks), times)
    return _statistics(pose.rotation, 1 / float(np.median(np.diff(times)))), shut, float(times[-1] - times[0])


def _generated(clip: RealClip, model: StyledMotionModel, seed: int) -> _Measured:
    motion = MotionStream(model, clip.rest, seed=seed).of(clip.sound)
    times = np.arange(len(motion)) / MOTION_RATE
    return _statistics(motion.rotation, MOTION_RATE), blinks(motion.lids[:, 0], times), float(times[-1])


def _statistics(rotation: np.ndarray, fps: float) -> np.ndarray:
    found = head_statistics(rotation, fps)
    return np.stack([found.spread, found.reach, found.speed])


def _cells(measured: Sequence[_Measured]) -> list[str]:
    """Write means over clips, and the blinks of all clips together."""
    moved = np.mean([statistics for statistics, _, _ in measured], axis=0)
    lengths = np.concatenate([np.ptp(shut, axis=1) for _, shut, _ in measured])
    minutes = sum(seconds for _, _, seconds in measured) / 60
    length = f"{lengths.mean():.2f}" if len(lengths) else "-"
    return [*(", ".join(f"{axis:.1f}" for axis in each) for each in moved), f"{len(lengths) / minutes:.0f}", length]
