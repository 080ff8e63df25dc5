"""Heads and blinks of real speakers next to what the head model makes of their voices."""

from collections.abc import Sequence

import numpy as np

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.audio.voice_activity import voice_activity
from rhapsode.evaluation.clips import RealClip
from rhapsode.face.expression import disentangle
from rhapsode.metrics.head import blinks, head_statistics, lid_closure
from rhapsode.motion.blinks import BlinkStream
from rhapsode.motion.head import HeadModel

_Row = tuple[np.ndarray, np.ndarray, float]  # three statistics of three axes, (N, 2) blinks, seconds


def head_rows(clips: Sequence[RealClip], head: HeadModel) -> tuple[str, list[str], list[tuple[str, list[str]]]]:
    """A table, corpus by corpus: its first heading, the others, and its rows (name, cells)."""
    rows = []
    for group in dict.fromkeys(clip.group for clip in clips):
        members = [clip for clip in clips if clip.group == group]
        rows.append((f"{group}, recorded", _cells([_recorded(clip) for clip in members])))
        rows.append((f"{group}, made", _cells([_made(clip, head, seed) for seed, clip in enumerate(members)])))
    nod = "nod, turn, tilt"
    headings = [f"spread, ° ({nod})", f"reach, ° ({nod})", f"speed, °/s ({nod})", "blinks a minute", "blink, s"]
    return "corpus", headings, rows


def _recorded(clip: RealClip) -> _Row:
    times, landmarks = clip.tracked.times, clip.tracked.landmarks
    _, _, pose = disentangle(landmarks)
    shut = blinks(lid_closure(landmarks), times)
    return _statistics(pose.rotation, 1 / float(np.median(np.diff(times)))), shut, float(times[-1] - times[0])


def _made(clip: RealClip, head: HeadModel, seed: int) -> _Row:
    rng = np.random.default_rng(seed)
    rotation, _ = head.sample(voice_activity(clip.sound.samples), rng)
    lids = BlinkStream(rng).close(len(rotation))[:, 0]
    times = np.arange(len(rotation)) / MOTION_RATE
    return _statistics(rotation, MOTION_RATE), blinks(lids, times), float(times[-1])


def _statistics(rotation: np.ndarray, fps: float) -> np.ndarray:
    found = head_statistics(rotation, fps)
    return np.stack([found.spread, found.reach, found.speed])


def _cells(rows: Sequence[_Row]) -> list[str]:
    """Means over clips; blinks of all clips together."""
    moved = np.mean([statistics for statistics, _, _ in rows], axis=0)
    lengths = np.concatenate([np.ptp(shut, axis=1) for _, shut, _ in rows])
    minutes = sum(seconds for _, _, seconds in rows) / 60
    length = f"{lengths.mean():.2f}" if len(lengths) else "-"
    return [*(", ".join(f"{axis:.1f}" for axis in each) for each in moved), f"{len(lengths) / minutes:.0f}", length]
