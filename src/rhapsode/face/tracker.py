"""Find faces and people in pictures and videos."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from types import TracebackType
from typing import Final, Protocol

import cv2
import numpy as np

from rhapsode.face.crop import Region
from rhapsode.face.detector import Detector
from rhapsode.face.face import Face as Face
from rhapsode.face.face import distinct
from rhapsode.face.mesh import MeshNetwork
from rhapsode.face.person import PersonNetwork
from rhapsode.face.search import PRESENT, FaceSearch
from rhapsode.face.upright import body_lies_above, stands_on_its_head

#: Names this tracker; raise it whenever the same picture would give other points.
TRACKER_VERSION: Final = "4"
#: How sure the detectors must be to have a face looked at: in a picture near by, far off, and in a film.
_NEAR, _FAR, _FILMED = 0.4, 0.6, 0.5
#: Pixels by which a picture is blurred to see a drawn face, and how far two measures of it may differ, in eye
#: distances: of 58 sketches, stencils and pictures of one bit, those that differ by less lie within 0.09 of the face.
_BLUR, _DRAWN_GAP = 1.5, 0.05
#: Side that a crop about a tiny face is enlarged to, pixels.
_ENLARGED: Final = 256
#: More faces than that in one picture are not looked at, the least sure.
_MOST: Final = 8


class PictureTracker(Protocol):
    """Finds faces and people in still pictures."""

    def detect(self, image: np.ndarray) -> list[Face]:
        """Every face found, largest first."""
        ...

    def person_mask(self, image: np.ndarray) -> np.ndarray:
        """How surely each pixel belongs to a person, (H, W) float32 in [0, 1]."""
        ...


class FaceTracker:
    """Finds face meshes in pictures and videos, and people in pictures. Use as a context manager.

    Networks are loaded when they are first needed, all at once for a still picture. Several threads may share a
    tracker.
    """

    def __init__(self, threads: int = 1) -> None:
        """Make a tracker whose networks use so many threads each; 1 where many run side by side."""
        self._threads = threads

    def __enter__(self) -> "FaceTracker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget the networks that were loaded."""
        for name in ("_near", "_far", "_mesh", "_search", "_person"):
            self.__dict__.pop(name, None)

    def detect(self, image: np.ndarray) -> list[Face]:
        """Every face found in a still picture, largest first; faces may stand at any turn.

        Each face is looked at twice, the second time in a crop around it, so that a small face in a large
        picture is measured as finely as a large one. Only where no upright face is sure are others looked for:
        turned ones, and small ones in tiles of the picture; then drawn ones, and such as are too small to be
        animated. A mesh that does not fit is not given.

        Args:
            image: (H, W, 3) uint8 RGB.
        """
        if "_mesh" not in self.__dict__:
            with ThreadPoolExecutor() as pool:
                list(pool.map(self.__getattribute__, ("_mesh", "_far", "_near", "_person")))
        faces = self._sure(image) or self._drawn(image) or self._tiny(image)
        return sorted(faces, key=lambda face: face.eye_distance, reverse=True)

    def detect_in_larger(self, image: np.ndarray, larger: np.ndarray) -> list[Face]:
        """Small faces found in a picture, largest first, after `detect` has found none in a smaller copy of it.

        Args:
            image: (H, W, 3) uint8 RGB, the smaller copy.
            larger: (H', W', 3) uint8 RGB.
        """
        faces = self._search.in_a_larger(image, larger)
        return sorted(faces, key=lambda face: face.eye_distance, reverse=True)

    def faces_at(self, image: np.ndarray, regions: Sequence[Region]) -> list[Face]:
        """The face in each of several regions, whatever its score: one that is not there has a low one.

        Args:
            image: (H, W, 3) uint8 RGB.
            regions: Each about 1.5 times as large as a face that is upright in it, as `Region.around_five_points` and
                its like make them.
        """
        if not regions:
            return []
        meshes, scores = self._mesh.at(image, regions)
        return [Face(mesh, float(score)) for mesh, score in zip(meshes, scores, strict=True)]

    def track(self, frames: Iterable[np.ndarray]) -> Iterator[Face | None]:
        """The face of each frame of a video with one person, or None where none is found.

        A face is looked for where it was in the frame before, and in the whole frame where it was lost. Points are
        those of the frame alone: nothing is smoothed.

        Args:
            frames: (H, W, 3) uint8 RGB pictures, all of one size.
        """
        face = None
        for frame in frames:
            face = self._followed(frame, face) or self._followed(frame, None) if face else self._followed(frame, None)
            yield face

    def person_mask(self, image: np.ndarray) -> np.ndarray:
        """How surely each pixel belongs to a person, (H, W) float32 in [0, 1].

        Args:
            image: (H, W, 3) uint8 RGB.
        """
        return self._person.mask(image)

    @cached_property
    def _near(self) -> Detector:
        return Detector("short", self._threads)

    @cached_property
    def _far(self) -> Detector:
        return Detector("full", self._threads)

    @cached_property
    def _mesh(self) -> MeshNetwork:
        return MeshNetwork(self._threads)

    @cached_property
    def _person(self) -> PersonNetwork:
        return PersonNetwork(self._threads)

    @cached_property
    def _search(self) -> FaceSearch:
        return FaceSearch(self._near, self._far, self._mesh)

    def _sure(self, image: np.ndarray) -> list[Face]:
        """Faces that a second look confirms."""
        return self._looked_for(image, self._search.everywhere)

    def _looked_for(self, image: np.ndarray, elsewhere: Callable[[np.ndarray], list[Face]]) -> list[Face]:
        """Faces that are upright and sure, else those found elsewhere, else upright ones that are likely.

        One that stands on its head while its body does not is none: it wears a dark mask.
        """
        seen = self._upright(image)
        found = self._confirmed(image, seen) or elsewhere(image)
        faces = [one for one in found if not (stands_on_its_head(one) and body_lies_above(image, one, self._person))]
        return faces or [face for face in seen if self._search.is_likely(image, face)]

    def _confirmed(self, image: np.ndarray, seen: Iterable[Face]) -> list[Face]:
        return distinct(self._search.confirmed(image, face) for face in seen)

    def _drawn(self, image: np.ndarray) -> list[Face]:
        """Faces of lines, dots or flat patches: seen in the picture blurred, and much alike if blurred otherwise."""
        faces = self._looked_for(_blurred(image, 1.0), self._search.in_the_whole)
        for other in (0.5, 2.0):
            again = self.faces_at(_blurred(image, other), [Region.around_mesh(face.mesh) for face in faces])
            alike = (two.score > PRESENT and one.gap(two) < _DRAWN_GAP for one, two in zip(faces, again, strict=True))
            faces = [face for face, same in zip(faces, alike, strict=True) if same]
        return faces

    def _tiny(self, image: np.ndarray) -> list[Face]:
        """Faces of a few pixels, seen in crops that are enlarged."""
        faces: list[Face] = []
        for region in self._search.tiny_places(image):
            crop = region.cut(image, _ENLARGED, cv2.BORDER_REPLICATE)
            seen = self._confirmed(crop, self._upright(crop))
            faces += [Face(region.to_image(face.mesh / np.float32(_ENLARGED)), face.score) for face in seen]
        return distinct(faces)

    def _upright(self, image: np.ndarray) -> list[Face]:
        """Faces that are about upright, from the whole picture, each measured in a crop of its own."""
        boxes = [face.box for face in self._meshes(image)]
        boxes += [tuple(found.box.tolist()) for found in self._far.find(image, _FAR)]
        return distinct(self._refine(image, box) for box in boxes)

    def _meshes(self, image: np.ndarray) -> list[Face]:
        found = self._near.find(image, _NEAR)[:_MOST]
        return [face for face in self.faces_at(image, [one.region for one in found]) if face.score > PRESENT]

    def _followed(self, frame: np.ndarray, before: Face | None) -> Face | None:
        """The face where it was before, or the surest in the frame."""
        if before is None:
            regions = [found.region for found in self._near.find(frame, _FILMED)[:1]]
        else:
            regions = [Region.around_mesh(before.mesh)]
        return next((face for face in self.faces_at(frame, regions) if face.score > PRESENT), None)

    def _refine(self, image: np.ndarray, box: tuple[float, ...]) -> Face | None:
        """The face in a square crop of twice the box, in pixels of the whole picture."""
        height, width = image.shape[:2]
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        half = max(box[2] - box[0], box[3] - box[1])
        left, top = max(int(x - half), 0), max(int(y - half), 0)
        crop = image[top : min(int(y + half), height), left : min(int(x + half), width)]
        if min(crop.shape[:2]) < 8:
            return None
        inside = [face for face in self._meshes(crop) if _contains(face, x - left, y - top)]
        if not inside:
            return None
        best = max(inside, key=lambda face: face.eye_distance)
        return Face(best.mesh + np.array([left, top, 0], np.float32), best.score)


def _blurred(image: np.ndarray, times: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), times * _BLUR)


def _contains(face: Face, x: float, y: float) -> bool:
    left, top, right, bottom = face.box
    return left <= x <= right and top <= y <= bottom
