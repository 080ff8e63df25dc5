"""Furrows: folds, lines and shades that an expression makes on the skin, and a warp does not show.

A frame is multiplied by exp(sum of units x maps), an expression ratio image (Liu, Shan, Zhang 2001), which moves with
the skin. The maps are means over people (`training.furrows`), laid on the portrait's own mesh once, where its skin
shows. Where nothing is expressed nothing is done.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from safetensors.numpy import load_file

from rhapsode.bundle import Bundle
from rhapsode.compute import single_threaded_matmul
from rhapsode.face import texture
from rhapsode.face.tracker import Face
from rhapsode.face.units import UNITS
from rhapsode.files import reading
from rhapsode.render.grid import Box
from rhapsode.render.skin import tint

#: Longer side of a portrait's maps, pixels.
_SIDE = 176
#: As dark, and as light, as expressions make skin: logarithms.
_MOST = (-0.5, 0.25)
#: How far expressions take skin up, to the side and down, eye distances.
_ROOM = (0.1, 0.1, 0.4)
#: Range of brightness, a logarithm, over a skin that is modelled by shades (16 pictures have at least 0.34, drawings of
#: them by lines 0.06 to 0.26), and how much of furrows a drawing without any shows.
_MODELLED, _DRAWN = 0.3, 0.35
#: Sums below this show nothing.
_INVISIBLE = 0.004


@cache
def furrow_maps() -> np.ndarray:
    """Load the maps that ship, (51, *texture.SHAPE) float32: logarithms of ratios at full expression."""
    path = Bundle.load().path("furrows.safetensors")
    with reading(path, "maps of furrows"):
        tensors = load_file(path)
        maps = np.zeros((len(UNITS), *texture.SHAPE), np.float32)
        for unit, shade, scale in zip(tensors["units"], tensors["maps"], tensors["scales"], strict=True):
            maps[unit] = scale * shade.astype(np.float32)
            if UNITS[unit].endswith("Left"):
                maps[UNITS.index(UNITS[unit].removesuffix("Left") + "Right")] = maps[unit, :, ::-1]
        return maps


@dataclass(frozen=True)
class _Shade:
    """What units make of the skin: factors of its colours, (h, w, 3) float32; None where nothing shows."""

    units: np.ndarray
    factors: np.ndarray | None


class Furrows:
    """The furrows of one portrait.

    Attributes:
        box: pixels of the picture that they can change.
    """

    def __init__(self, image: np.ndarray, face: Face) -> None:
        """Lay the maps on a face.

        Args:
            image: (H, W, 3) uint8 RGB.
            face: the face in it.
        """
        height, width = image.shape[:2]
        box = Box.around(face.mesh[: texture.SKIN, :2], 1)
        self.box = _with_room(box, face.eye_distance).intersect(Box(0, 0, width, height))
        self._step = max(max(box.width, box.height) / _SIDE, 1.0)
        self._corner = np.array([box.left, box.top], np.float32)
        columns, rows = (max(int(side / self._step) + 1, 2) for side in (box.width, box.height))
        where = self._corner + self._step * np.dstack(np.meshgrid(np.arange(columns), np.arange(rows)))
        places, sure = texture.places_in_texture(face.mesh, where)
        seen = _looked_at(image, where)
        skin = np.median(seen[sure > 0.5] if (sure > 0.5).any() else seen.reshape(-1, 3), axis=0)
        self._tint = tint(skin)
        share = sure * _skin_share(seen, skin)
        share *= _modelling(seen, share > 0.5)
        self._shown = np.flatnonzero(np.abs(furrow_maps()).max((1, 2)))
        laid = [share * cv2.remap(furrow_maps()[unit], places, None, cv2.INTER_LINEAR) for unit in self._shown]
        self._maps = np.stack(laid, axis=-1).reshape(-1, len(laid)).astype(np.float32)
        self._shape = share.shape
        self._last = _Shade(np.zeros(len(UNITS)), None)

    def factors(self, units: np.ndarray) -> np.ndarray | None:
        """Give by what the colours of the skin are multiplied, for `shade`; None where nothing shows.

        Args:
            units: (51,) of expression, in the order of `UNITS`; below 0 they show nothing.
        """
        last = self._last
        if not np.array_equal(last.units, units):
            # Other threads may do the same at the same time, with what is the same or what they then keep themselves.
            last = self._last = _Shade(np.array(units), self._made(units))
        return last.factors

    def shade(self, frame: np.ndarray, points: np.ndarray, factors: np.ndarray) -> None:
        """Shade a part of a frame, in place.

        Args:
            frame: (h, w, 3) uint8 RGB.
            points: (h, w, 2) float32, where in the picture each of its pixels comes from, pixels.
            factors: from `factors`.
        """
        places = (points - self._corner) * np.float32(1 / self._step)
        here = cv2.remap(factors, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(1, 1, 1))
        cv2.multiply(frame, here, frame, dtype=cv2.CV_8U)

    def _made(self, units: np.ndarray) -> np.ndarray | None:
        amounts = np.maximum(np.asarray(units, np.float32)[self._shown], 0)
        if not amounts.any():
            return None
        total = np.clip(single_threaded_matmul(self._maps, amounts[:, None]), *_MOST)
        if np.abs(total).max() < _INVISIBLE:
            return None
        return np.exp(total * self._tint).reshape(*self._shape, 3)


def _modelling(seen: np.ndarray, skin: np.ndarray) -> float:
    """How much of furrows a picture shows: all in photographs and paintings, less in drawings by lines.

    Skin of drawings is paper, without shades.

    Args:
        seen: (h, w, 3) uint8 RGB.
        skin: (h, w) bool, where it shows skin.
    """
    if not skin.any():
        return 1.0
    smooth = cv2.GaussianBlur(seen, (0, 0), _SIDE / 25).mean(-1)[skin]
    dark, light = np.percentile(np.log(np.maximum(smooth, 8.0)), [10, 90])
    return float(np.clip((light - dark) / _MODELLED, _DRAWN, 1))


def _with_room(box: Box, eye_distance: float) -> Box:
    """A box around the skin of a face wherever an expression takes it: brows up, the jaw down, cheeks to the side."""
    up, side, down = (round(share * eye_distance) for share in _ROOM)
    return Box(box.left - side, box.top - up, box.right + side, box.bottom + down)


def _looked_at(image: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The colours of a picture at places (h, w, 2) that lie further apart than its pixels."""
    step = float(where[0, 1, 0] - where[0, 0, 0])
    smooth = cv2.GaussianBlur(image, (0, 0), 0.5 * step) if step > 1 else image
    return cv2.remap(smooth, where.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _skin_share(seen: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """How much like skin each pixel is, (h, w) float32 in [0, 1]: not hair, glasses or a veil before it.

    Args:
        seen: (h, w, 3) uint8 RGB.
        skin: (3,) the colour of the face.
    """
    colour = cv2.cvtColor(cv2.GaussianBlur(seen, (0, 0), 1.5), cv2.COLOR_RGB2LAB).astype(np.float32)
    middle = cv2.cvtColor(skin.astype(np.uint8).reshape(1, 1, 3), cv2.COLOR_RGB2LAB)[0, 0].astype(np.float32)
    hue = np.linalg.norm(colour[..., 1:] - middle[1:], axis=-1)
    dark = np.maximum(middle[0] - colour[..., 0], 0)
    unlike = np.maximum(hue / 26, dark / (0.75 * middle[0] + 1))
    share = 1 - np.clip((unlike - 0.6) / 0.4, 0, 1)
    return cv2.GaussianBlur(share.astype(np.float32), (0, 0), 1.5)
