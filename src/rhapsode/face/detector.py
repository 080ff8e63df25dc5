"""Find faces in a picture, each with a box and six points: a single-shot detector on a grid of anchors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np

from rhapsode.face.crop import Region
from rhapsode.face.networks import open_network

#: Two boxes that share more than this of their union are one face.
_SAME: Final = 0.3
#: Regions that are looked at together.
_BATCH: Final = 16
#: Points of a detection: eyes, nose tip, mouth, ears. "Right" is the subject's right.
RIGHT_EYE, LEFT_EYE, NOSE_TIP, MOUTH, RIGHT_EAR, LEFT_EAR = range(6)


@dataclass(frozen=True)
class Detection:
    """A face found.

    Attributes:
        box: (4,) float32: left, top, right, bottom, image pixels; in a region that is turned, the upright box around
            the turned one's middle, of the same sides.
        points: (6, 2) float32, image pixels: right eye, left eye, nose tip, mouth, right ear, left ear.
        score: How sure it is, 0 to 1.
    """

    box: np.ndarray
    points: np.ndarray
    score: float

    @property
    def region(self) -> Region:
        """The region around the face, upright for the face, as the mesh wants it."""
        return Region.around_box(self.box, self.points[RIGHT_EYE], self.points[LEFT_EYE])


class Detector:
    """Finds faces in square regions of a picture.

    The "short" one knows faces a sixth of the region and larger, the "full" one also faces half as large.
    """

    def __init__(self, reach: Literal["short", "full"], threads: int = 1) -> None:
        """Load the network; `threads` as in `open_network`."""
        self._session = open_network("detector_short" if reach == "short" else "detector_full", threads)
        #: Side of what the network sees, pixels.
        self.side: int = self._session.get_inputs()[0].shape[1]
        # Boxes per place: the short network looks at 8 pixels twice, and at 16 pixels six times.
        self._anchors = anchors(self.side, [(8, 2), (16, 6)] if reach == "short" else [(4, 1)])

    def find(self, image: np.ndarray, least: float) -> list[Detection]:
        """Faces in the whole of a picture, upright as it is, the surest first.

        Args:
            image: (H, W, 3) uint8 RGB.
            least: Score, 0 to 1, that a face must have.
        """
        return self.find_in(image, [Region.whole(image)], least)[0]

    def find_in(self, image: np.ndarray, regions: Sequence[Region], least: float) -> list[list[Detection]]:
        """Faces in each of several regions of a picture, the surest of each first."""
        return [
            found for i in range(0, len(regions), _BATCH) for found in self._run(image, regions[i : i + _BATCH], least)
        ]

    def _run(self, image: np.ndarray, regions: Sequence[Region], least: float) -> Iterator[list[Detection]]:
        cuts = np.stack([region.cut(image, self.side, cv2.BORDER_CONSTANT) for region in regions])
        boxes, scores = self._session.run(["boxes", "scores"], {"image": cuts})
        for region, raw, sure in zip(regions, boxes, scores, strict=True):
            likely = sure >= least
            rows, kept = suppress(decode(raw[likely], self._anchors[likely], self.side), sure[likely])
            yield [
                Detection(row[:4], row[4:].reshape(6, 2), float(score))
                for row, score in zip(_in_image(rows, region), kept, strict=True)
            ]


def anchors(side: int, layers: Sequence[tuple[int, int]]) -> np.ndarray:
    """Centres of the anchors, (n, 2) float32, parts of the side: row by row, layer by layer.

    Args:
        side: of the network's picture, pixels.
        layers: Of each, the pixels between two anchors, and how many anchors lie at one place.
    """
    centres = []
    for stride, count in layers:
        steps = (np.arange(side // stride, dtype=np.float32) + 0.5) * stride / side
        y, x = np.meshgrid(steps, steps, indexing="ij")
        centres.append(np.repeat(np.stack([x.ravel(), y.ravel()], 1), count, axis=0))
    return np.concatenate(centres)


def decode(raw: np.ndarray, centres: np.ndarray, side: int) -> np.ndarray:
    """What a detector says, as boxes and points.

    Args:
        raw: (n, 16): centre of the box (x, y) and six points seen from the anchor, and between them the box's width
            and height; pixels of the network's picture.
        centres: (n, 2) the anchors, parts of the side.
        side: of the network's picture, pixels.

    Returns:
        (n, 16) float32: left, top, right, bottom, then the points; parts of the side.
    """
    parts = (raw / side).reshape(-1, 8, 2)
    middle, half = parts[:, 0] + centres, parts[:, 1] / 2
    points = parts[:, 2:] + centres[:, None]
    return np.concatenate([middle - half, middle + half, points.reshape(-1, 12)], axis=1).astype(np.float32)


def suppress(rows: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Melt boxes that lie on each other into one, their mean weighted by their scores.

    Args:
        rows: (n, 4 or more): left, top, right, bottom, and whatever else is to be averaged.
        scores: (n,)

    Returns:
        (m, ...) and (m,): of each face the mean row and the best score, the best first.
    """
    order = np.argsort(-scores, kind="stable")
    rows, scores = rows[order], scores[order]
    melted, best = [], []
    while len(rows):
        near = _overlap(rows[0, :4], rows[:, :4]) > _SAME
        near[0] = True
        melted.append(np.average(rows[near], axis=0, weights=scores[near]))
        best.append(scores[0])
        rows, scores = rows[~near], scores[~near]
    return np.array(melted, np.float32).reshape(-1, rows.shape[1]), np.array(best, np.float32)


def _overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Of a box and each of (n, 4) boxes, the shared part of their union, (n,)."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.prod(np.maximum(sides, 0), axis=1)
    union = np.prod(box[2:] - box[:2]) + np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - shared
    return shared / np.maximum(union, np.finfo(np.float32).tiny)


def _in_image(rows: np.ndarray, region: Region) -> np.ndarray:
    """Boxes and points, (n, 16), from parts of a region to image pixels."""
    half = (rows[:, 2:4] - rows[:, :2]) * region.size / 2
    middle = region.to_image((rows[:, :2] + rows[:, 2:4]) / 2)
    points = region.to_image(rows[:, 4:].reshape(-1, 6, 2)).reshape(-1, 12)
    return np.concatenate([middle - half, middle + half, points], axis=1)
