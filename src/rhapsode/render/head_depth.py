"""How deep a head lies in a picture: face, skull, ears and neck as surfaces, and hair on a hull over them."""

from typing import Final

import cv2
import numpy as np

from rhapsode.face.geometry import Pose, to_canonical, to_image
from rhapsode.face.head_shape import COLUMNS, OVAL, ROWS, TELLING, head_shape
from rhapsode.face.texture import SKIN, triangles
from rhapsode.render.grid import Grid, smoothstep
from rhapsode.render.plate import membrane

#: The middle of the head, canonical space.
CENTRE: Final = np.array([0.0, 0.1, 0.9])
#: Rows of the surface that are skull; below them is jaw and neck.
_SKULL: Final = 20
#: Canonical units about a point of the face's oval within which the surface follows it.
_NEAR: Final = 0.25
#: Directions in which hair is looked for, and how far it may stand out, of the skull's own size.
_WAYS, _OUT = 72, 1.7
#: Angles from the crown between which hair becomes what hangs down, and is no hull.
_HANGING: Final = np.deg2rad([95.0, 125.0])
#: Rows of the surface, the last ones, that are shoulders and are not drawn.
_SHOULDERS: Final = 3
#: Points of each quad and triangle that are drawn, along a side.
_DENSE: Final = 8
#: Points of a node that lie within so many canonical units of the nearest belong to one surface.
_THICK: Final = 0.12
#: The tracker sees faces a little too flat: people in films who turn are as deep as this times its depth.
_DEEPER: Final = 1.1
#: How far behind the middle of the head anything lies, canonical units: necks and shoulders, which follow less.
_DEEP: Final = 0.25
#: Canonical units from the middle of the head that are far from it.
_FAR: Final = 2.6


def head_depth(mesh: np.ndarray, pose: Pose, matte: np.ndarray, grid: Grid) -> np.ndarray:
    """Find how deep the surface is that each node of a grid shows, (rows, columns) float32, pixels.

    Args:
        mesh: (478, 3) the face, pixels.
        pose: of the head (T = 1).
        matte: (rows, columns) float32 in [0, 1], the person with its hair, at the nodes.
        grid: over the picture.
    """
    canonical = to_canonical(mesh[None].astype(np.float64), pose) * [1, 1, _DEEPER]
    face = to_image(canonical, pose)[0]
    middle, unit = to_image(CENTRE[None, None], pose)[0, 0], float(pose.scale[0])
    bare, hidden = _behind(canonical[0], pose)
    depth = _seen(_with_hair(bare, face, pose, matte, grid), hidden, face, _THICK * unit, grid)
    seen = np.isfinite(depth)
    # Far away is as deep as the head's middle, where a turn moves little; between lies something smooth.
    far = np.linalg.norm(grid.nodes() - middle[:2], axis=-1) > _FAR * unit
    filled = np.where(seen, np.minimum(depth - middle[2], _DEEP * unit), 0).astype(np.float32)
    smooth = membrane(filled[..., None], (seen | far).astype(np.float32))[..., 0]
    return (middle[2] + np.where(seen, filled, smooth)).astype(np.float32)


def _behind(canonical: np.ndarray, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """The head that belongs to a face and meets it at its oval, (ROWS, COLUMNS, 3) pixels; and where the face is."""
    surface, told = head_shape().fit(canonical)
    rim = told[:OVAL]
    oval = rim[:, None, :2].astype(np.float32)
    inside = [z < CENTRE[2] and cv2.pointPolygonTest(oval, (x, y), False) > 0 for x, y, z in surface.reshape(-1, 3)]
    away = np.square(surface[:, :, None] - rim).sum(-1)
    share = np.exp(-away / (2 * _NEAR**2))
    off = canonical[TELLING[:OVAL]] - rim
    moved = share @ off / np.maximum(share.sum(-1, keepdims=True), 1.0)
    placed = to_image((surface + moved).reshape(1, -1, 3), pose)[0].reshape(ROWS, COLUMNS, 3)
    return placed, np.reshape(inside, (ROWS, COLUMNS))


def _with_hair(surface: np.ndarray, face: np.ndarray, pose: Pose, matte: np.ndarray, grid: Grid) -> np.ndarray:
    """Draw a head out to the edge of its hair, except for the face."""
    middle = to_image(CENTRE[None, None], pose)[0, 0]
    crown = pose.matrices[0] @ np.array([0.0, -1.0, 0.0])

    def polar(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        across = points[..., :2] - middle[:2]
        turn = np.arctan2(across[..., 1], across[..., 0]) - np.arctan2(crown[1], crown[0])
        return np.linalg.norm(across, axis=-1), (turn + np.pi) % (2 * np.pi) - np.pi

    ways = (np.arange(_WAYS) + 0.5) * 2 * np.pi / _WAYS - np.pi
    size = _farthest(*polar(surface[:_SKULL].reshape(-1, 3)), ways)
    oval = np.minimum(_farthest(*polar(face[TELLING[:OVAL]]), ways), 0.97 * size)
    steps = np.linspace(0.9, _OUT, 48)
    angles = ways + np.arctan2(crown[1], crown[0])
    rays = middle[:2] + (size[:, None] * steps)[..., None] * np.stack([np.cos(angles), np.sin(angles)], -1)[:, None]
    person = grid.sample(matte[..., None], rays.astype(np.float32))[..., 0] > 0.5
    ends = np.where(person.all(1), len(steps), person.argmin(1))
    out = np.maximum(steps[np.maximum(ends - 1, 0)], 1.0)
    out[out > 0.98 * _OUT] = np.nan  # no edge was found
    out = _around_smoothed(_filled(out))
    out = 1 + (out - 1) * (1 - smoothstep((np.abs(ways) - _HANGING[0]) / (_HANGING[1] - _HANGING[0])))
    away, turn = polar(surface)
    own, inner, stretch = (np.interp(turn, ways, each, period=2 * np.pi) for each in (size, oval, out))
    share = np.where(surface[..., 2] > middle[2], 1.0, smoothstep((away - inner) / (own - inner)))
    return middle + (surface - middle) * (1 + (stretch - 1) * share)[..., None]


def _farthest(away: np.ndarray, turn: np.ndarray, ways: np.ndarray) -> np.ndarray:
    """How far points reach in each direction."""
    off = np.abs((turn[None] - ways[:, None] + np.pi) % (2 * np.pi) - np.pi)
    return np.array((np.where(off < 2 * np.pi / _WAYS, away[None], 0)).max(1) + 1e-6)


def _filled(values: np.ndarray) -> np.ndarray:
    """Values around a circle with what is missing between them."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return np.ones_like(values)
    return np.interp(np.arange(len(values)), known, values[known], period=len(values))


def _around_smoothed(values: np.ndarray) -> np.ndarray:
    kernel = np.array([1, 4, 6, 4, 1]) / 16
    return np.convolve(np.concatenate([values[-2:], values, values[:2]]), kernel, "valid")


def _seen(surface: np.ndarray, inside: np.ndarray, face: np.ndarray, thick: float, grid: Grid) -> np.ndarray:
    """Depth of what is nearest at each node, (rows, columns), pixels; NaN where there is neither head nor face."""
    surface, inside = surface[:-_SHOULDERS], inside[:-_SHOULDERS]
    quads = np.stack([surface[:-1], _next(surface)[:-1], _next(surface)[1:], surface[1:]], axis=2)
    across, down = (quads[:, :, corner, :2] - quads[:, :, other, :2] for corner, other in ((2, 0), (3, 1)))
    towards = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0] > 0
    quads = quads[towards & ~(inside[:-1] & _next(inside)[:-1] & inside[1:] & _next(inside)[1:])]
    u, v = (axis.ravel() for axis in np.meshgrid(np.linspace(0, 1, _DENSE), np.linspace(0, 1, _DENSE)))
    shares = np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], axis=1)
    head = np.einsum("sk,qkd->qsd", shares, quads).reshape(-1, 3)
    low = u + v <= 1
    shares = np.stack([1 - u - v, u, v], axis=1)[low]
    skin = np.einsum("sk,tkd->tsd", shares, face[:SKIN][triangles()]).reshape(-1, 3)
    points = np.concatenate([head, skin])
    column = np.rint((points[:, 0] - grid.left + 0.5) / grid.step - 0.5).astype(int)
    row = np.rint((points[:, 1] - grid.top + 0.5) / grid.step - 0.5).astype(int)
    within = (column >= 0) & (column < grid.columns) & (row >= 0) & (row < grid.rows)
    node, z = row[within] * grid.columns + column[within], points[within, 2]
    nearest = np.full(grid.rows * grid.columns, np.inf)
    np.minimum.at(nearest, node, z)
    # The mean of what belongs to the nearest surface: the nearest point of a slope lies beside the node.
    near = z < nearest[node] + thick
    count = np.bincount(node[near], minlength=len(nearest))
    depth = np.bincount(node[near], z[near], len(nearest)) / np.where(count, count, np.nan)
    return depth.reshape(grid.rows, grid.columns)


def _next(values: np.ndarray) -> np.ndarray:
    """The next column of a surface that closes around the head."""
    return np.roll(values, -1, axis=1)
