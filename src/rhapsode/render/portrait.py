"""A still picture whose face is measured, once for all frames."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rhapsode.errors import PortraitError
from rhapsode.face.cache import Keep, never_kept
from rhapsode.face.geometry import MIN_EYE_DISTANCE, Pose, fit_pose, to_canonical
from rhapsode.face.tracker import Face, PictureTracker
from rhapsode.render.cut_out import CUT_OUT_VERSION, CutOut, cut_out, tells_person
from rhapsode.render.eyelids import Eyelids
from rhapsode.render.fine import sharpening_for
from rhapsode.render.furrows import Furrows
from rhapsode.render.grid import Box
from rhapsode.render.head_warp import HeadMotion
from rhapsode.render.lips import measure_lips
from rhapsode.render.rig import FaceRig
from rhapsode.render.stage import Stage

#: Radians, and canonical units, by which a head moves at most where the background bends with it.
_BENDING = 0.14


@dataclass(frozen=True)
class MeasuredPortrait:
    """A picture of one person, and the measures of its face.

    Attributes:
        image: (H, W, 3) uint8 RGB, at the picture's own resolution.
        face: the 478-point mesh, image pixels.
        pose: the head's pose in the picture (T = 1), fitted to the 68 landmarks.
        rest: (68, 3) float64, canonical landmarks of the picture itself, the inner lips where it shows them.
        person: (H, W) float32 in [0, 1], probability that a pixel belongs to a person.
        keep: keeps what takes long to find.
        part: the part of the picture that frames show; the whole where None.
    """

    image: np.ndarray
    face: Face
    pose: Pose
    rest: np.ndarray
    person: np.ndarray
    keep: Keep = never_kept
    part: Box | None = None

    @classmethod
    def from_image(
        cls,
        image: np.ndarray,
        tracker: PictureTracker,
        face: Face | None = None,
        keep: Keep = never_kept,
        part: Box | None = None,
    ) -> "MeasuredPortrait":
        """Measure a picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            tracker: finds the face and the person.
            face: the face to animate; the largest in the picture where None.
            keep: keeps what takes long to find, as `CachedTracker.kept` does.
            part: of the picture that frames show; the whole where None.

        Raises:
            PortraitError: the picture is not RGB, shows no face, or the face is too small.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise PortraitError(
                f"the portrait: must be (H, W, 3) uint8 RGB, not {image.shape} {image.dtype}", code="not-rgb"
            )
        if face is None:
            faces = tracker.detect(image)
            if not faces:
                raise PortraitError(
                    "the portrait: no face found", "use a picture that shows a face from the front", "no-face-in-crop"
                )
            face = faces[0]
        if face.eye_distance < MIN_EYE_DISTANCE:
            raise PortraitError(
                f"the portrait: the face is too small, {face.eye_distance:.0f} pixels between the outer corners of the "
                f"eyes, at least {MIN_EYE_DISTANCE:.0f} needed",
                "use a larger picture, or crop it to the face",
                "small-face",
            )
        landmarks = face.landmarks[None].astype(np.float64)
        pose = fit_pose(landmarks)
        lips = measure_lips(image, face.mesh, float(pose.scale[0]))
        rest = to_canonical(lips.seen_in(landmarks), pose)[0]
        picture = np.ascontiguousarray(image)
        return cls(picture, face, pose, rest, tracker.person_mask(picture), keep, part)

    @property
    def shown(self) -> Box:
        """Give the part of the picture that frames show."""
        return self.part or Box(0, 0, self.image.shape[1], self.image.shape[0])

    @property
    def unit(self) -> float:
        """Give the number of pixels in one canonical unit, about the distance between the outer eye corners."""
        return float(self.pose.scale[0])

    @cached_property
    def rig(self) -> FaceRig:
        """Give how the face moves; it is measured at the first call, and so are head and eyelids."""
        rims = self.eyelids.rims(self.person.shape)
        return FaceRig(self.image, self.face, self.pose, self.rest, rims)

    def begin(self) -> None:
        """Begin what takes longest, the cut-out, beside the measures that do without it."""
        if self.is_cut_out:
            self._cutting  # noqa: B018  (begins)

    @cached_property
    def cut_out(self) -> CutOut:
        """Give the person without the background, and the background without the person."""
        return self._cutting.result()

    @cached_property
    def _cutting(self) -> "Future[CutOut]":
        def cut() -> CutOut:
            what = f"cut-out-{CUT_OUT_VERSION}-{self.unit:.2f}"
            packed = self.keep(what, self.image, lambda: cut_out(self.image, self.person, self.unit).packed())
            return CutOut.unpacked(self.image, packed)

        pool = ThreadPoolExecutor(1, thread_name_prefix="rhapsode-cut-out")
        cutting = pool.submit(cut)
        pool.shutdown(wait=False)  # the thread ends with its work
        return cutting

    @cached_property
    def is_cut_out(self) -> bool:
        """Tell whether the person is a layer of its own: it must be told well from the background."""
        return tells_person(self.person, self.face.landmarks[:, :2])

    @cached_property
    def stage(self) -> Stage:
        """Give what frames are drawn from: the person as a layer, or the picture as one piece."""
        return self.stage_with(self.rig.skin)

    def stage_with(self, skin: np.ndarray) -> Stage:
        """Give a stage with another `FaceRig.skin`, such as that of several mouths."""
        if self.is_cut_out:
            return Stage.of_layers(self.cut_out, self.image, skin, self.sharpening)
        return Stage.of_one_piece(self.image, skin, self.sharpening)

    def before(self, backdrop: np.ndarray | None, skin: np.ndarray | None = None) -> Stage:
        """Give a stage with another background.

        Args:
            backdrop: (H, W, 3) uint8 RGB; frames are transparent where None.
            skin: as in `stage_with`; the portrait's own where None.

        Raises:
            PortraitError: the person cannot be told from the picture's own background.
        """
        if not self.is_cut_out:
            raise PortraitError(
                "the portrait: the person cannot be told from the background, which therefore stays",
                "keep it, or use a picture that shows the person before something plain",
                "no-person",
            )
        skin = self.rig.skin if skin is None else skin
        return Stage.before(self.cut_out, backdrop, self.image, skin, self.sharpening)

    @cached_property
    def sharpening(self) -> float:
        """Give how much the face must be sharpened between its pixels to stay sharp as it moves."""
        return sharpening_for(self.image, self.face.mesh[:, :2])

    @cached_property
    def head(self) -> HeadMotion:
        """Give how the head moves."""
        return HeadMotion(self.face, self.pose, self.person, self.matte)

    @property
    def matte(self) -> np.ndarray:
        """Give the person with its hair, as far as it is told, (H, W) float32 in [0, 1]."""
        return self.cut_out.matte.astype(np.float32) / 255 if self.is_cut_out else self.person

    @cached_property
    def head_limits(self) -> np.ndarray:
        """Give how far the head can move, (2, 5), as `motion.head.LIMITS`; less where the background bends with it."""
        return self.bounded(self.head.limits())

    def bounded(self, limits: np.ndarray) -> np.ndarray:
        """Give limits of a head, (2, 5), that are closer where the background bends with it."""
        return limits if self.is_cut_out else np.clip(limits, -_BENDING, _BENDING)

    @cached_property
    def eyelids(self) -> Eyelids:
        """Give how the eyes close."""
        return Eyelids(self.image, self.face, self.unit)

    @cached_property
    def furrows(self) -> Furrows:
        """Give how expressions shade the skin."""
        return Furrows(self.image, self.face)
