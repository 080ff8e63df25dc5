"""Look for faces at any turn and of any size, and believe only a mesh that a second look confirms.

The mesh network lays an upright mesh on a face that stands on its head, and is sure of it. A detector is not: it is
surest where the face is upright. So a face is seen at four turns, the surest of them is measured, and what is found
must be found again, at the same turn and the same place, in a crop that is upright for it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import cv2
import numpy as np

from rhapsode.face.crop import Region
from rhapsode.face.detector import LEFT_EYE, MOUTH, NOSE_TIP, RIGHT_EYE, Detection, Detector
from rhapsode.face.face import Face, distinct
from rhapsode.face.mesh import MeshNetwork

#: How sure the mesh network must be that there is a face in a region.
PRESENT: Final = 0.5
#: How sure a detector must be to have a place looked at, and to be compared at such a place.
_WORTH_A_LOOK, _SEEN = 0.5, 0.1
#: How sure a detector must be of a face upright in its crop: of one that is upright in the picture; of one that is
#: not, and by how much more than on its head; of one that is upright, for want of a better. Of 860 faces in
#: stills and films all reach 0.87, on their heads at most 0.84; with a painted mask 0.55 to 0.91, and on their heads
#: up to 0.89: those are told by how the picture stands. Buttons, ties and the backs of books reach 0.77.
_UPRIGHT, _TURNED, _LEAD, _LIKELY = 0.8, 0.87, 0.05, 0.6
#: How far two looks may differ, in eye distances: meshes of one face by 0.01 to 0.03, of no face by 0.02 to 0.6; a
#: detector's points from the mesh by 0.01 to 0.11, and by 0.6 and more where it stands on its head.
_MESH_GAP, _POINTS_GAP = 0.05, 0.2
#: Pixels between the middles of the eyes of a face that is too small to be animated; places where one may be, and tiles
#: of a picture, at most, that are looked at.
_TINY, _TINY_PLACES, _MOST_TILES = 18.0, 4, 64
#: Looks until two agree.
_LOOKS: Final = 4
#: Places looked at, at most, at each step of a search.
_PLACES: Final = 12
#: How much larger than a face's region the crop is in which it is detected.
_ROOM: Final = 4 / 3
_QUARTERS: Final = tuple(np.pi / 2 * np.arange(4))
#: Sides of the tiles, parts of the picture's longer side, and how far each lies from the next, parts of the tile.
_TILES, _STEP = (1 / 2, 1 / 6), 0.7
#: Spread of the levels of a tile, of 255, below which no detector sees a face.
_PLAIN: Final = 2.0
#: Mesh points about the eyes, on the tip of the nose, and between the lips, as a detector's points.
_EYE_POINTS: Final = {RIGHT_EYE: [33, 133, 159, 145], LEFT_EYE: [263, 362, 386, 374], NOSE_TIP: [4], MOUTH: [13, 14]}


class FaceSearch:
    """Finds faces that stand at any turn, and faces that are small in a large picture."""

    def __init__(self, near: Detector, far: Detector, mesh: MeshNetwork) -> None:
        """Search with a detector of short reach, one of full reach, and a mesh network."""
        self._near, self._far, self._mesh = near, far, mesh

    def everywhere(self, image: np.ndarray) -> list[Face]:
        """Faces that are sure, from the whole of the picture at four turns, else from ever smaller tiles of it.

        Args:
            image: (H, W, 3) uint8 RGB.
        """
        steps = (self._settled(image, places) for places in self._places(image))
        return next((faces for faces in steps if faces), [])

    def in_a_larger(self, image: np.ndarray, larger: np.ndarray) -> list[Face]:
        """Faces that are sure in a picture, at places that the smallest tiles of a smaller copy of it show.

        Args:
            image: (H, W, 3) uint8 RGB, in which `everywhere` found nothing.
            larger: The same picture with more pixels.

        Returns:
            Faces in pixels of `larger`.
        """
        *_, places = self._places(image)
        ratio = np.float32(larger.shape[1] / image.shape[1])
        return self._settled(larger, [Detection(ratio * one.box, ratio * one.points, one.score) for one in places])

    def in_the_whole(self, image: np.ndarray) -> list[Face]:
        """Faces that are sure, from the whole of the picture at four turns: the first step of `everywhere`."""
        return self._settled(image, next(self._places(image)))

    def confirmed(self, image: np.ndarray, face: Face) -> Face | None:
        """The face itself if a second look, in an upright crop, confirms it; else what `settled` finds there."""
        region = Region.around_mesh(face.mesh)
        seen = self._four_turns(image, region)
        if _is_upright(seen) and self._again(image, seen[0], face, _UPRIGHT) is not None:
            return face
        return self.settled(image, region)

    def is_likely(self, image: np.ndarray, face: Face) -> bool:
        """Whether a second look confirms a face as well as one that is blurred, or covered in part."""
        seen = self._four_turns(image, Region.around_mesh(face.mesh))
        return self._again(image, seen[0], face, _LIKELY) is not None

    def settled(self, image: np.ndarray, region: Region) -> Face | None:
        """The face about a region, at whatever turn, once two looks agree; None where they never do.

        Args:
            image: (H, W, 3) uint8 RGB.
            region: About as large as the region of the face, which may stand at any turn in it.
        """
        face: Face | None = None
        for _ in range(_LOOKS):
            seen = self._four_turns(image, region)
            if face is not None and _is_upright(seen, _LEAD):
                again = self._again(image, seen[0], face, _TURNED)
                if again is not None:
                    return again
            best = max((one for one in seen if one is not None), key=lambda one: one.score, default=None)
            face = None if best is None else self._measured(image, best)
            if face is None:
                return None
            region = Region.around_mesh(face.mesh)
        return None

    def tiny_places(self, image: np.ndarray) -> list[Region]:
        """Upright places where a face of less than 24 pixels between the eyes may be, the surest first.

        Returns:
            A few regions, each four times as large as the face.
        """
        side = min(2.0 * self._far.side, max(image.shape[:2]))
        regions = tiles(image, side)[:_MOST_TILES]
        found = _apart(self._far.find_in(image, regions, _WORTH_A_LOOK))
        tiny = (one for one in found if np.linalg.norm(one.points[LEFT_EYE] - one.points[RIGHT_EYE]) < _TINY)
        boxes = [one.box for one in tiny][:_TINY_PLACES]
        return [
            Region(float(box[[0, 2]].mean()), float(box[[1, 3]].mean()), float(4 * (box[2] - box[0]))) for box in boxes
        ]

    def _four_turns(self, image: np.ndarray, region: Region) -> list[Detection | None]:
        """What is detected about the middle of a region seen at four turns, as it is first."""
        views = [region.turned(turn, _ROOM) for turn in _QUARTERS]
        return [_in_the_middle(found, region) for found in self._near.find_in(image, views, _SEEN)]

    def _settled(self, image: np.ndarray, places: Sequence[Detection]) -> list[Face]:
        return distinct(self.settled(image, place.region) for place in places[:_PLACES])

    def _measured(self, image: np.ndarray, found: Detection) -> Face | None:
        """The mesh of a face detected, if there is one."""
        (mesh,), (score,) = self._mesh.at(image, [found.region])
        return Face(mesh, float(score)) if score > PRESENT else None

    def _again(self, image: np.ndarray, found: Detection | None, face: Face, least: float) -> Face | None:
        """A face measured anew by a detection; None where that is not so sure, or so placed, that it confirms it."""
        if found is None or found.score < least:
            return None
        again = self._measured(image, found)
        agrees = again is not None and again.gap(face) < _MESH_GAP and _points_gap(found, again) < _POINTS_GAP
        return again if agrees else None

    def _places(self, image: np.ndarray) -> Iterator[list[Detection]]:
        """Where faces may be, the surest first: at the first step those in the whole picture, then those in tiles."""
        whole = [Region.whole(image, turn) for turn in _QUARTERS]
        yield _apart(self._near.find_in(image, whole, _WORTH_A_LOOK) + self._far.find_in(image, whole, _WORTH_A_LOOK))
        longest = max(image.shape[:2])
        for side in sorted({max(part * longest, self._far.side) for part in _TILES}, reverse=True):
            # Shrunk by areas first: a detector's few pixels out of a large tile would miss what lies between them.
            shrink = min(1.0, 2 * self._far.side / side)
            small = (
                image if shrink == 1 else cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
            )
            squares = [tile for tile in tiles(small, shrink * side) if not _is_plain(small, tile)]
            regions = [tile.turned(turn) for tile in squares for turn in _QUARTERS]
            found = self._far.find_in(small, regions, _WORTH_A_LOOK)
            yield [Detection(one.box / shrink, one.points / shrink, one.score) for one in _apart(found)]


def tiles(image: np.ndarray, side: float) -> list[Region]:
    """Squares that cover a picture, (H, W, ...), and share three tenths of their side with the next."""

    def centres(length: int) -> np.ndarray:
        count = max(1, int(np.ceil((length - side) / (_STEP * side))) + 1)
        half = min(side, length) / 2
        return np.linspace(half, length - half, count)

    height, width = image.shape[:2]
    return [Region(float(x), float(y), side) for y in centres(height) for x in centres(width)]


def _is_plain(image: np.ndarray, tile: Region) -> bool:
    """Whether a tile shows nothing but sky, a wall or paper, which costs no look."""
    left, top = max(int(tile.x - tile.size / 2), 0), max(int(tile.y - tile.size / 2), 0)
    seen = image[top : int(tile.y + tile.size / 2) : 2, left : int(tile.x + tile.size / 2) : 2]
    return float(seen.std(axis=(0, 1)).max()) < _PLAIN


def _apart(found: Sequence[Sequence[Detection]]) -> list[Detection]:
    """Of detections in several regions, the surest first, of each place only the surest."""
    kept: list[Detection] = []
    for one in sorted((one for some in found for one in some), key=lambda one: one.score, reverse=True):
        near = 0.3 * (one.box[2] - one.box[0])
        if all(np.linalg.norm(one.points[:4].mean(0) - other.points[:4].mean(0)) > near for other in kept):
            kept.append(one)
    return kept


def _in_the_middle(found: Sequence[Detection], region: Region) -> Detection | None:
    """The surest detection that lies about the middle of a region."""
    middle = np.array([region.x, region.y])
    near = (one for one in found if np.linalg.norm(one.points[:4].mean(0) - middle) < region.size / 2)
    return next(near, None)


def _is_upright(seen: Sequence[Detection | None], lead: float = 0.0) -> bool:
    """Whether, of a place seen at four turns, the first is surest, and by so much surer than that on its head."""
    first, right, opposite, left = (0.0 if one is None else one.score for one in seen)
    return first >= max(right, left, opposite + lead)


def _points_gap(found: Detection, face: Face) -> float:
    """How far a detection's eyes, nose and mouth lie from those of a mesh, the mean, in eye distances."""
    measured = np.stack([face.mesh[points, :2].mean(0) for points in _EYE_POINTS.values()])
    return float(np.linalg.norm(found.points[list(_EYE_POINTS)] - measured, axis=1).mean() / face.eye_distance)
