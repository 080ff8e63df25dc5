"""A recorded speaker and the portrait that speaks with the same voice, next to each other in one video."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from rhapsode.animator import Animator
from rhapsode.evaluation.clips import RealClip
from rhapsode.media.reader import probe, read_frames
from rhapsode.media.writer import write_video
from rhapsode.metrics.picture import cpbd, psnr, ssim
from rhapsode.options import AnimationOptions

#: Larger pictures are scaled down to this height, pixels.
HEIGHT = 360
#: What is shown around the face, as a share of the larger side of all places where it is seen.
_AROUND = 0.6
_STRIP = 28
#: Pictures are compared once in so many frames.
_EVERY = 10


@dataclass(frozen=True)
class PictureFigures:
    """How the synthetic pictures of a clip compare, means over frames.

    Attributes:
        cpbd: sharpness of the synthetic pictures, 0 .. 1.
        real_cpbd: sharpness of the recorded ones.
        ssim: likeness of the two; the portrait holds its head still and the speaker does not, which lowers it.
        psnr: the same in dB.
    """

    cpbd: float
    real_cpbd: float
    ssim: float
    psnr: float


def side_by_side(clip: RealClip, animator: Animator, out: Path) -> PictureFigures:
    """Write the video: the recording left, the animated portrait right, labelled, with the sound of the recording.

    The portrait is a recorded frame that shows the speaker at rest, and moves by expression alone. Where the
    recording's sound is late, its pictures are shown as much later, as the scores take them.

    Raises:
        PortraitError: if that frame shows no usable face.
    """
    path = clip.clip.path
    portrait = next(_pictures(clip, iter([clip.rest_time])))
    made = animator.animate(portrait, path, AnimationOptions(fps=probe(path).fps, head_motion=0, blink=0))
    figures: list[tuple[float, float, float, float]] = []

    def frames() -> Iterator[np.ndarray]:
        recorded = _pictures(clip, (n / float(made.fps) for n in itertools.count()))
        for n, (synthetic, real) in enumerate(zip(made, recorded, strict=False)):
            if n % _EVERY == 0:
                figures.append((cpbd(synthetic), cpbd(real), ssim(synthetic, real), psnr(synthetic, real)))
            yield np.concatenate([_labelled(real, "recorded"), _labelled(synthetic, "SYNTHETIC")], axis=1)

    write_video(frames(), out, made.fps, path, comment="left half recorded, right half synthetic")
    return PictureFigures(*np.mean([each for each in figures if np.isfinite(each).all()] or figures, axis=0).tolist())


def _pictures(clip: RealClip, times: Iterator[float]) -> Iterator[np.ndarray]:
    """What the recording shows of the speaker at ascending times of its sound, seconds; the last picture stays."""
    points = clip.tracked.landmarks[..., :2]
    low, high = points.min((0, 1)), points.max((0, 1))
    margin = _AROUND * (high - low).max()
    left, top = np.maximum(low - margin, 0).astype(int)
    right, bottom = (high + margin).astype(int)
    frames = read_frames(clip.clip.path)
    (_, shown), following = next(frames), next(frames, None)
    for time in times:
        while following is not None and following[0] <= time - clip.av_offset:
            (_, shown), following = following, next(frames, None)
        yield _scaled(shown[top:bottom, left:right])


def _scaled(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    if height <= HEIGHT:
        return np.ascontiguousarray(frame)
    return cv2.resize(frame, (round(width * HEIGHT / height), HEIGHT), interpolation=cv2.INTER_AREA)


def _labelled(frame: np.ndarray, label: str) -> np.ndarray:
    """The frame over a dark strip that says what it is."""
    strip = np.full((_STRIP, frame.shape[1], 3), 24, np.uint8)
    cv2.putText(strip, label, (8, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (230, 230, 230), 1, cv2.LINE_AA)
    return np.concatenate([frame, strip])
