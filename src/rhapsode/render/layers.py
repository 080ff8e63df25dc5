"""What is drawn over a mouth, layer by layer, once the skin around it has been warped."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import cv2
import numpy as np

from rhapsode.render.lip_edges import LipEdges
from rhapsode.render.rig import PosedFace


@dataclass(frozen=True)
class MouthPatch:
    """The part of a frame around the mouth, for layers to draw on.

    Attributes:
        frame: (h, w, 3) uint8 RGB, drawn on in place.
        points: (h, w, 2) float32, where each of its pixels lies in the portrait's pose, pixels.
        cover: (h, w, 2) uint8, how much of each pixel, and of its surroundings, lies between the lips, 255 = all of it.
        lips: the lip edges.
        face: the expression that the frame shows.
    """

    frame: np.ndarray
    points: np.ndarray
    cover: np.ndarray
    lips: LipEdges
    face: PosedFace

    @cached_property
    def open_part(self) -> "MouthPatch | None":
        """Give the part of the patch that lies between the lips; None where the mouth is closed."""
        left, top, width, height = cv2.boundingRect(self.cover[..., 0])
        if width == 0:
            return None
        part = np.s_[top : top + height, left : left + width]
        return MouthPatch(self.frame[part], self.points[part], self.cover[part], self.lips, self.face)


class Layer(ABC):
    """Something that is drawn over the mouth; what depends on the portrait alone is made once, by its constructor.

    Attributes:
        fills_mouth: whether it draws all that lies between the lips, so that the skin is warped from a picture in which
            lip covers it.
        outline: (N, 2) pixels of the portrait: the layer also draws outside the lips, as far as these points.
    """

    fills_mouth: ClassVar[bool] = False
    outline: np.ndarray = np.zeros((0, 2))

    @abstractmethod
    def draw(self, patch: MouthPatch) -> None:
        """Draw on a part of a frame, in place, over the layers before it."""
