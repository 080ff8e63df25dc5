"""The frame of a video that makes the best portrait: sharp, seen from the front, eyes open, mouth closed."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np

from rhapsode.face.crop import Region
from rhapsode.face.eyes import eye_opening
from rhapsode.face.face import Face
from rhapsode.face.geometry import fit_pose, to_canonical
from rhapsode.face.mouth import lip_opening
from rhapsode.media.samples import sample_frames

#: Frames that are looked at.
_FRAMES: Final = 48
#: What costs a frame as much as half of its sharpness: degrees that the head is turned, a mouth opened by so many
#: canonical units, eyes closed by so much of what open ones have at least.
_DEGREES, _MOUTH, _EYES, _OPEN = 12.0, 0.06, 0.07, 0.26
#: Side of the crop that sharpness is measured in, pixels.
_SIDE: Final = 160


class TracksFaces(Protocol):
    """Finds the face of each frame of a video."""

    def track(self, frames: Iterable[np.ndarray]) -> Iterator[Face | None]:
        """The face of each frame, or None."""
        ...


def best_frame(path: Path, tracker: TracksFaces) -> tuple[float, np.ndarray]:
    """Choose the frame of a video that makes the best portrait; of a long one among some that lie over its length.

    Args:
        path: a video.
        tracker: finds faces.

    Returns:
        Its time in seconds, and the frame, (H, W, 3) uint8 RGB; the middle one looked at where no face is seen.

    Raises:
        VideoError: no frame can be read.
    """
    best: tuple[float, float, np.ndarray] | None = None
    without = []
    for time, frame in sample_frames(path, _FRAMES):
        face = next(tracker.track([frame]))
        if face is None:
            without.append(time)
        elif best is None or fitness(frame, face) > best[0]:
            best = fitness(frame, face), time, frame
    if best is not None:
        return best[1:]
    middle = without[len(without) // 2]
    return next((time, frame) for time, frame in sample_frames(path, _FRAMES) if time == middle)


def fitness(image: np.ndarray, face: Face) -> float:
    """Tell how well a picture serves as a portrait; more is better, one less is as bad as half as sharp.

    Args:
        image: (H, W, 3) uint8 RGB.
        face: in it.
    """
    landmarks = face.landmarks[None].astype(np.float64)
    pose = fit_pose(landmarks)
    rest = to_canonical(landmarks, pose)[0]
    turned = np.degrees(np.linalg.norm(pose.rotation[0])) / _DEGREES
    open_mouth = max(float(lip_opening(rest)), 0.0) / _MOUTH
    closed_eyes = max(_OPEN - eye_opening(rest), 0.0) / _EYES
    crop = Region.around_mesh(face.mesh).cut(image, _SIDE, cv2.BORDER_REPLICATE)
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    sharpness = 0.5 * np.log2((cv2.Laplacian(grey, cv2.CV_32F).var() + 1) / (grey.var() + 1))
    size = min(0.0, float(np.log2(face.eye_distance / _SIDE)))
    return float(sharpness + size - turned**2 - open_mouth**2 - closed_eyes**2)
