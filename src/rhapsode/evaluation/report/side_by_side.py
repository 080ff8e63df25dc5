"""A video of a recorded speaker beside a portrait of the speaker that is animated with the same sound."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from rhapsode.animator import Animator
from rhapsode.credentials.attach import signed
from rhapsode.credentials.origin import Origin, picture_hash
from rhapsode.data.store import PreparedClip
from rhapsode.evaluation.clips import RealClip
from rhapsode.media.outputs import sink_for
from rhapsode.media.reader import probe, read_frames
from rhapsode.media.writer import write_video
from rhapsode.metrics.picture import cpbd, psnr, ssim
from rhapsode.options import AnimationOptions

#: Larger frames are scaled down to this height, pixels.
HEIGHT = 360
#: Margin around the face, relative to the larger side of the area in which it is seen.
_AROUND = 0.6
_STRIP = 28
#: One in so many frames is compared.
_EVERY = 10


@dataclass(frozen=True)
class PictureFigures:
    """Compare the synthetic frames of a clip with the recorded ones, means over frames.

    Attributes:
        cpbd: sharpness of the synthetic frames, 0 to 1.
        real_cpbd: sharpness of the recorded ones.
        ssim: similarity of the two, lowered by the portrait's head, which is held still.
        psnr: the same in dB.
    """

    cpbd: float
    real_cpbd: float
    ssim: float
    psnr: float


def side_by_side(clip: RealClip, animator: Animator, out: Path) -> PictureFigures:
    """Write the video: the recording left, the animated portrait right, labelled, with the sound of the recording.

    The portrait is a recorded frame with the speaker at rest; only its expression moves. Where the recording's sound is
    late, its frames are shown later by as much, as the scores assume. The file is signed as `Video.save` does it.

    Raises:
        PortraitError: that frame shows no usable face.
    """
    path = clip.clip.path
    portrait = _scaled(next(pictures(clip.tracked, [clip.rest_time])))
    made = animator.animate(portrait, path, AnimationOptions(fps=probe(path).fps, head_motion=0, blink=0, gaze=0))
    figures: list[tuple[float, float, float, float]] = []

    def frames() -> Iterator[np.ndarray]:
        recorded = map(_scaled, pictures(clip.tracked, (n / float(made.fps) for n in itertools.count())))
        for n, (synthetic, real) in enumerate(zip(made, recorded, strict=False)):
            if n % _EVERY == 0:
                figures.append((cpbd(synthetic), cpbd(real), ssim(synthetic, real), psnr(synthetic, real)))
            yield np.concatenate([labelled(real, "recorded"), labelled(synthetic, "SYNTHETIC")], axis=1)

    sink, unsigned = signed(sink_for(out), lambda: Origin((picture_hash(portrait),)).inputs({None: path}))
    comment = ". ".join(filter(None, ["left half recorded, right half synthetic", unsigned]))
    write_video(frames(), sink, made.fps, path, comment=comment)
    return PictureFigures(*np.mean([each for each in figures if np.isfinite(each).all()] or figures, axis=0).tolist())


def pictures(clip: PreparedClip, times: Iterable[float]) -> Iterator[np.ndarray]:
    """Crop the recording around the speaker at ascending times of its sound, seconds; the last frame is repeated."""
    points = clip.landmarks[..., :2]
    low, high = points.min((0, 1)), points.max((0, 1))
    margin = _AROUND * (high - low).max()
    left, top = np.maximum(low - margin, 0).astype(int)
    right, bottom = (high + margin).astype(int)
    frames = read_frames(clip.clip.path)
    (_, shown), following = next(frames), next(frames, None)
    for time in times:
        while following is not None and following[0] <= time - clip.av_offset:
            (_, shown), following = following, next(frames, None)
        yield shown[top:bottom, left:right]


def _scaled(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    if height <= HEIGHT:
        return np.ascontiguousarray(frame)
    return cv2.resize(frame, (round(width * HEIGHT / height), HEIGHT), interpolation=cv2.INTER_AREA)


def labelled(frame: np.ndarray, label: str) -> np.ndarray:
    """Add a dark strip with a label below a frame."""
    strip = np.full((_STRIP, frame.shape[1], 3), 24, np.uint8)
    cv2.putText(strip, label, (8, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (230, 230, 230), 1, cv2.LINE_AA)
    return np.concatenate([frame, strip])
