"""Everything that is known of the still picture, found once and then shared by every frame."""

from dataclasses import dataclass

import cv2
import numpy as np

from rhapsode.errors import PortraitError
from rhapsode.face.geometry import MIN_EYE_DISTANCE, Pose, fit_pose, to_canonical
from rhapsode.face.tracker import Face, PictureTracker


@dataclass(frozen=True)
class Portrait:
    """A picture of one person, with its face measured.

    Attributes:
        image: (H, W, 3) uint8 RGB, at the picture's own resolution.
        face: the 478-point mesh, image pixels.
        pose: the head's pose in the picture (T = 1), fitted to the 68 landmarks.
        rest: (68, 3) float64, canonical landmarks of the picture itself.
        person: (H, W) float32 in [0, 1], how surely a pixel belongs to a person.
    """

    image: np.ndarray
    face: Face
    pose: Pose
    rest: np.ndarray
    person: np.ndarray

    @classmethod
    def from_image(cls, image: np.ndarray, tracker: PictureTracker, face: Face | None = None) -> "Portrait":
        """Measure a picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            tracker: finds the face and the person.
            face: the face to animate where the picture shows several; the largest where None.

        Raises:
            PortraitError: the picture is not RGB, shows no face, or shows it too small.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise PortraitError(f"The portrait must be an 8-bit RGB picture, not {image.shape} {image.dtype}.")
        if face is None:
            faces = tracker.detect(image)
            if not faces:
                raise PortraitError("No face found in the portrait: use a picture that shows one from the front.")
            face = faces[0]
        if face.eye_distance < MIN_EYE_DISTANCE:
            raise PortraitError(
                f"The face is too small: {face.eye_distance:.0f} pixels between the outer eye corners, "
                f"at least {MIN_EYE_DISTANCE:.0f} needed. Crop or enlarge the picture."
            )
        landmarks = face.landmarks[None].astype(np.float64)
        pose = fit_pose(landmarks)
        rest = to_canonical(landmarks, pose)[0]
        picture = np.ascontiguousarray(image)
        return cls(picture, face, pose, rest, tracker.person_mask(picture))

    def scaled(self, factor: float) -> "Portrait":
        """The same portrait in another size, its measures scaled with it."""
        height, width = self.image.shape[:2]
        size = max(1, round(factor * width)), max(1, round(factor * height))
        way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        image = cv2.resize(self.image, size, interpolation=way)
        person = cv2.resize(self.person, size, interpolation=cv2.INTER_LINEAR)
        # Pixel centres lie at whole numbers, so the picture's corner is at -0.5.
        shift = np.array([0.5, 0.5, 0.0]) * (factor - 1)
        face = Face((self.face.mesh * factor + shift).astype(np.float32))
        pose = Pose(self.pose.rotation, self.pose.translation * factor + shift, self.pose.scale * factor)
        return Portrait(image, face, pose, self.rest, person)

    @property
    def unit(self) -> float:
        """Pixels in one canonical unit (about the distance between the outer eye corners)."""
        return float(self.pose.scale[0])
