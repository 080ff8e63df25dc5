"""Eyelids: they slide over an eyeball that stays where it is.

The edge of an upper lid that falls comes down towards the lower one, and the eyeball below it is left as it is, not
stretched. The skin above the edge comes from a copy of the picture in which eye and lashes are inpainted, since
stretched lashes look like scratches; the lashes move with the edge, unstretched, as a factor of darkness. A lid that
rises takes its lashes along as they are, pushes the skin towards the brow, and uncovers an eyeball made whole. A lower
lid rises with the cheek's skin, which bulges below it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from rhapsode.face.tracker import Face
from rhapsode.render import dark_glasses
from rhapsode.render.eye import EYES, Eye, measure_eye
from rhapsode.render.eyeball import lid_shadow, rim
from rhapsode.render.gaze import Gaze
from rhapsode.render.grid import smoothstep

#: As far as an upper lid rises, openings of the eye.
HIGHEST: Final = -0.5
#: Canonical units below a lower lid that move with it.
_CHEEK = 0.2


@dataclass(frozen=True)
class _Place:
    """Where the pixels of a part of a frame lie in the eye of the picture.

    `ball` (h, w, 2) float32 for what an expression does not move, the eyeball, `skin` for the skin, which a raised brow
    stretches, pixels of the eye's box; `across` (h, w) along the eye's axis downwards, `top` the edge of the
    resting upper lid there, `gap` the distance to the lower lid, pixels; `stretch` (h, w) how much of a pixel of the
    picture's skin a pixel shows over the upper lid.
    """

    eye: Eye
    ball: np.ndarray
    skin: np.ndarray
    across: np.ndarray
    top: np.ndarray
    gap: np.ndarray
    stretch: np.ndarray

    @classmethod
    def of(cls, eye: Eye, points: np.ndarray, posed: np.ndarray, ball: np.ndarray) -> "_Place":
        """Find it; arguments as in `Eyelids.paint`."""
        turn = eye.axes.T.astype(np.float32)
        axes = ((posed - eye.origin) @ turn).astype(np.float32)
        moved = ((points - eye.origin) @ turn[:, 1]).astype(np.float32)
        along, across = axes[..., 0], axes[..., 1]
        top = np.interp(along, eye.along, eye.upper).astype(np.float32)
        gap = np.interp(along, eye.along, eye.lower - eye.upper).astype(np.float32)
        # The lids' edges stay; a field that is smooth across them moves a little of what lies between them.
        inside = np.clip(across - top + 0.5, 0, 1) * np.clip(top + gap - across + 0.5, 0, 1)
        corner = np.array([eye.box.left, eye.box.top], np.float32)
        skin = points + inside[..., None] * (posed - points) - corner
        stretch = np.clip((np.maximum(top - moved, 0) + 1) / (np.maximum(top - across, 0) + 1), 0.3, 1.5)
        return cls(eye, ball - corner, skin, across, top, gap, stretch)


class Eyelids:
    """Both eyes of a portrait, the subject's right one first."""

    def __init__(self, image: np.ndarray, face: Face, unit: float) -> None:
        """Measure a picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            face: the face in it.
            unit: pixels in one canonical unit.
        """
        mesh = face.mesh[:, :2].astype(np.float64)
        self._unit = unit
        self._eyes = [measure_eye(image, mesh, unit, points) for points in EYES]
        self._gaze = [Gaze(eye, unit) for eye in self._eyes]
        self._hidden = dark_glasses.are_hidden(image, mesh, unit)

    def outline(self, eye: int) -> np.ndarray:
        """Give points around all that moving lids can change of one eye, (N, 2), pixels of the picture."""
        return self._eyes[eye].outline

    def rims(self, shape: tuple[int, int]) -> np.ndarray | None:
        """Give where rims of glasses are, (H, W) float32 in [0, 1], in a picture of that shape; None without any."""
        if all(eye.rims is None for eye in self._eyes):
            return None
        found = np.zeros(shape, np.float32)
        for eye in self._eyes:
            if eye.rims is not None:
                found[eye.box.slices] = np.maximum(found[eye.box.slices], eye.rims)
        return found

    def is_hidden(self, eye: int) -> bool:
        """Tell whether dark glass hides an eye, which then neither closes nor looks around."""
        return self._hidden[eye]

    def look(self, points: np.ndarray, eye: int, angles: np.ndarray) -> np.ndarray:
        """Give where in the picture the pixels of one eye come from that looks elsewhere (see `Gaze.look`)."""
        return self._gaze[eye].look(points, angles)

    def roll(self, points: np.ndarray, eye: int, angles: np.ndarray) -> np.ndarray:
        """Give the same in its eyeball, for `paint`."""
        return self._gaze[eye].roll(points, angles)

    def paint(
        self,
        frame: np.ndarray,
        points: np.ndarray,
        posed: np.ndarray,
        eye: int,
        lids: np.ndarray,
        ball: np.ndarray | None = None,
    ) -> None:
        """Move the lids of one eye in a part of a frame, in place.

        Args:
            frame: (h, w, 3) uint8 RGB, already warped.
            points: (h, w, 2) float32, where in the picture each of its pixels comes from, pixels.
            posed: (h, w, 2) float32, where it lies in the portrait's own pose; another place where an expression moves
                the skin.
            eye: 0 the subject's right, 1 the left.
            lids: (2,) how far the upper lid falls, and the lower one rises, in openings of the eye as the picture
                shows it: upper in [-0.5, 1], below 0 it rises; lower in [0, 1]. Where both come to 1 the eye is shut.
            ball: (h, w, 2) float32, where its eyeball comes from, as `points`, if it looks elsewhere.
        """
        one = self._eyes[eye]
        place = _Place.of(one, points, posed, posed if ball is None else ball)
        lower = float(np.clip(lids[1], 0, 1))
        upper = float(np.clip(lids[0], HIGHEST, 1 - lower))
        result = frame.astype(np.float32)
        if upper < 0:
            result = self._raise_upper(result, place, -upper)
        if lower > 0:
            result = self._raise_lower(result, place, lower)
        if upper > 0:
            result = self._lower_upper(result, place, upper)
        if one.rims is not None:
            result += one.look_up(one.rims, place.skin)[..., None] * (frame - result)
        frame[:] = np.rint(np.clip(result, 0, 255)).astype(np.uint8)

    def _lower_upper(self, frame: np.ndarray, place: _Place, share: float) -> np.ndarray:
        """Let the upper lid fall by a share of the opening."""
        one, fall = place.eye, share * place.gap
        height = place.top + fall - place.across
        over = np.clip(height + 0.5, 0, 1) * np.clip(2 * fall, 0, 1)
        drawn = fall * (1 - smoothstep(height / (one.reach + fall)))
        skin = one.look_up(one.skin, place.skin, -drawn) * self._lid_shade(height, fall)[..., None]
        result = frame + over[..., None] * (skin - frame)
        lashes = one.look_up(one.lashes, place.skin, -fall) * np.clip(2 * fall, 0, 1)
        # Above the moved edge the old lashes are covered by the new skin; below it the eyeball is unchanged.
        lashes = np.where(height > -1.0, lashes, 0.0) * np.maximum(over, np.clip(height + 1, 0, 1))
        result *= (1 - lashes)[..., None] * self._edge(height, fall)[..., None]
        return result

    def _raise_upper(self, frame: np.ndarray, place: _Place, share: float) -> np.ndarray:
        """Let the upper lid rise by a share of the opening, less towards the corners."""
        one, room = place.eye, place.gap / place.eye.opening
        lift = share * place.gap * smoothstep(room / 0.6)
        height = place.top - lift - place.across
        reach = max(one.reach, 2.5 * share * one.opening)
        skin = one.look_up(one.picture, place.skin, place.stretch * lift * (1 - smoothstep(height / reach)))
        ball = one.look_up(one.eyeball, place.ball)
        ball *= lid_shadow(-height / one.opening, one.shadow)[..., None]
        over = np.clip(height + rim(room) * one.opening + 0.5, 0, 1)[..., None]
        opened = ball + over * (skin - ball)
        inside = np.clip(place.top + place.gap - place.across + 0.5, 0, 1) * np.clip(2 * lift, 0, 1)
        result: np.ndarray = frame + inside[..., None] * (opened - frame)
        return result

    def _raise_lower(self, frame: np.ndarray, place: _Place, share: float) -> np.ndarray:
        """Let the lower lid rise by a share of the opening."""
        one, rise = place.eye, share * place.gap
        depth = place.across - (place.top + place.gap - rise)
        under = np.clip(depth + 0.5, 0, 1) * np.clip(2 * rise, 0, 1)
        lifted = rise * (1 - smoothstep(depth / (_CHEEK * self._unit)))
        cheek = one.look_up(one.picture, place.skin, lifted) * self._pouch(one, depth, rise)
        result: np.ndarray = frame + under[..., None] * (cheek - frame)
        return result

    def _lid_shade(self, height: np.ndarray, fall: np.ndarray) -> np.ndarray:
        """The closed lid bulges over the eyeball: slightly darker towards its lower edge."""
        low = 1 - smoothstep(height / np.maximum(0.12 * self._unit, 1.0))
        return 1 - 0.12 * low * smoothstep(fall / (0.08 * self._unit))

    def _edge(self, height: np.ndarray, fall: np.ndarray) -> np.ndarray:
        """The line of lashes along the lid's edge, and its shadow on the eyeball, as a factor."""
        width = max(0.012 * self._unit, 0.7)
        line = np.exp(-((height / width) ** 2))
        return 1 - 0.3 * line * smoothstep(fall / (0.06 * self._unit))

    def _pouch(self, one: Eye, depth: np.ndarray, rise: np.ndarray) -> np.ndarray:
        """The skin under a raised lower lid bulges: lighter where it is round, darker in the fold below, as factors."""
        t = depth / (0.1 * self._unit)
        fold = 0.1 * np.exp(-(((t - 0.5) / 0.35) ** 2)) - 0.16 * np.exp(-(((t - 1.25) / 0.35) ** 2))
        shade: np.ndarray = 1 + (fold * smoothstep(rise / (0.06 * self._unit) - 0.2))[..., None] * one.tint
        return shade
