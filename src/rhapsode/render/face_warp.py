"""Expression as a flow: moved landmarks carry the skin around them, in the portrait's own pose.

The flow is linear in the landmark offsets: the thin-plate spline (Bookstein 1989) through the resting landmarks is
solved once a portrait and kept as a matrix from 68 offsets to the nodes of a coarse grid, so that a frame costs one
small product and an inversion. Units of expression move every point of the mesh, not the landmarks alone: what a spline
through all of them adds to the one through the landmarks is a second such matrix.

There are two such fields, one without the lower lip and one without the upper lip; they meet at the line between the
lips. One smooth field could not part closed lips, nor close an open smile without dragging its teeth over the lips.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator

from rhapsode.compute import single_threaded_matmul
from rhapsode.face import regions
from rhapsode.face.landmarks import BROWS, LEFT_EYE, MESH_TO_68, NOSE, RIGHT_EYE
from rhapsode.render.grid import Box, Grid, smoothstep
from rhapsode.render.lip_curves import contour_weights
from rhapsode.render.stencil import complex_of, pairs_of

#: How far each jaw point follows its offset: the ends, at the temples, stay with the skull.
_JAW_FOLLOW = np.array([0, 0, 0.3, 0.8, *[1.0] * 9, 0.8, 0.3, 0, 0])
#: Smoothing of the spline, so that points which crowd together on the far side of a turned face do not tear it.
_SMOOTHING = 2e-4
#: The same for the spline through the whole mesh, whose points lie nearer to each other.
_DENSE_SMOOTHING = 2e-5
#: Iterations that invert a flow of speech; and of an expression, and the share of the way that each of them goes: brows
#: that rise beside lids which do not spread the skin between them by more than its height.
_INVERSIONS, _FAR_INVERSIONS, _STEP = 5, 9, 0.6
#: Points of the mesh on skin, without the irises.
_SKIN_POINTS = 468
_UPPER_LIP = np.array(
    [
        *regions.UPPER_OUTER_LIP[1:-1],
        *regions.UPPER_INNER_LIP[1:-1],
        *(74, 73, 72, 11, 302, 303, 304, 42, 41, 38, 12, 268, 271, 272, 184, 408, 183, 407),
    ]
)
_LOWER_LIP = np.array(
    [
        *regions.LOWER_OUTER_LIP[1:-1],
        *regions.LOWER_INNER_LIP[1:-1],
        *(77, 90, 180, 85, 16, 315, 404, 320, 307, 96, 89, 179, 86, 15, 316, 403, 319, 325),
    ]
)
_LID_EDGES = np.concatenate(
    [regions.RIGHT_UPPER_LID, regions.RIGHT_LOWER_LID, regions.LEFT_UPPER_LID, regions.LEFT_LOWER_LID]
)
#: The creases above the lids, and how far they follow: what lies below a raised brow is spread above them, since the
#: lids' own edges are laid in the same field.
_LID_CREASES = np.array([247, 30, 29, 27, 28, 56, 190, 467, 260, 259, 257, 258, 286, 414])
_CREASE_FOLLOW = 0.3
#: Canonical units around what is rigid that stay with it; the blur beyond has half of it as its spread.
_STIFF = 0.08


@dataclass(frozen=True)
class ExpressionFlow:
    """Displacement from each pixel of the face, in the portrait's pose, to where it comes from; pixels, at grid nodes.

    Attributes:
        upper: (rows, columns, 2) float32, the field above the line between the lips.
        lower: (rows, columns, 2) float32, the field below it.
    """

    upper: np.ndarray
    lower: np.ndarray

    @cached_property
    def both(self) -> np.ndarray:
        """Give the lower field, and by how much the upper one differs, (rows, columns, 4), for `blended`."""
        return np.concatenate([self.lower, self.upper - self.lower], axis=-1)


def blended(both: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Blend the fields of both lips.

    Args:
        both: (h, w, 4) float32, `ExpressionFlow.both` at some points.
        share: (h, w) float32, how much each of these belongs to the upper one.

    Returns:
        (h, w, 2) float32.
    """
    lower, apart = complex_of(both[..., :2]), complex_of(both[..., 2:])
    apart *= share
    apart += lower
    return pairs_of(apart)


class ExpressionWarp:
    """The two spline fields of a portrait.

    Attributes:
        box: pixels that an expression can move.
        grid: laid over the box.
        nodes: (rows, columns, 2) float32, pixels.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        mesh: np.ndarray,
        landmarks: np.ndarray,
        unit: float,
        moved: np.ndarray,
        rigid: np.ndarray | None = None,
    ) -> None:
        """Solve both splines.

        Args:
            shape: of the picture, pixels; height and width come first.
            mesh: (478, 2) the face in it, with its inner lips where they are seen (`RestingLips.mesh`), pixels.
            landmarks: (68, 3) its landmarks, pixels.
            unit: pixels in one canonical unit.
            moved: (51, 478, 2) how far each unit of expression moves the mesh, pixels.
            rigid: (H, W) float32 in [0, 1], what no expression moves.
        """
        oval = landmarks[:17, :2]
        height, width = shape[:2]
        reach = Box.around(mesh, 0.75 * unit)
        self.box = reach.intersect(Box(0, 0, width, height))
        self.grid = Grid.over(self.box, max(2, round(unit / 16)))
        ring = _ring(reach)
        anchors = np.concatenate([_still_points(mesh, oval, unit), ring])
        nodes = self.grid.nodes()
        self._fade = _edge_fade(nodes, reach, 0.25 * unit).reshape(-1, 1)
        self._upper = (self._fade * _operator(mesh, anchors, nodes, unit, lower_lip=False)).astype(np.float32)
        self._lower = (self._fade * _operator(mesh, anchors, nodes, unit, lower_lip=True)).astype(np.float32)
        self.nodes = nodes
        self._free = None if rigid is None else self._around(rigid, unit)
        self._mesh, self._ring, self._unit, self._moved = mesh, ring, unit, moved

    def flow(self, offsets: np.ndarray, units: np.ndarray) -> ExpressionFlow:
        """Compute the backward flow of an expression.

        Args:
            offsets: (68, 2), pixels, from the portrait's own landmarks, in the portrait's pose.
            units: (51,) units of expression; what they do to the landmarks is part of `offsets`.
        """
        upper, lower = (single_threaded_matmul(each, offsets.astype(np.float32)) for each in (self._upper, self._lower))
        if units.any():
            above, below = self._between
            upper += (units.astype(np.float32) @ above).reshape(-1, 2)
            lower += (units.astype(np.float32) @ below).reshape(-1, 2)
        how = (_FAR_INVERSIONS, _STEP) if units.any() else (_INVERSIONS, 1.0)
        forward = (field.reshape(self.nodes.shape) for field in (upper, lower))
        backward = (self.grid.invert(field, self.nodes, *how) - self.nodes for field in forward)
        return ExpressionFlow(*(flow if self._free is None else self._free * flow for flow in backward))

    def _around(self, rigid: np.ndarray, unit: float) -> np.ndarray:
        """How far each node may move beside what is rigid, (rows, columns, 1) float32: 0 on it, 1 well away from it."""
        wide = cv2.dilate(rigid, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(_STIFF * unit) + 1,) * 2))
        soft = cv2.GaussianBlur(wide, (0, 0), _STIFF / 2 * unit)
        there = cv2.remap(soft, self.nodes, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        free: np.ndarray = 1 - there[..., None]
        return free

    @cached_property
    def _between(self) -> tuple[np.ndarray, np.ndarray]:
        """How each unit moves the skin at the nodes beyond what the landmarks do, (51, nodes * 2) each."""
        landmarks = self._moved[:, MESH_TO_68].transpose(1, 0, 2).reshape(68, -1)
        fields = []
        for operator, hidden in ((self._upper, _LOWER_LIP), (self._lower, _UPPER_LIP)):
            shown = np.setdiff1d(np.arange(_SKIN_POINTS), hidden)
            moved = self._moved[:, shown].transpose(1, 0, 2).copy()
            moved[np.isin(shown, _LID_EDGES)] = 0  # the lids are drawn by themselves
            moved[np.isin(shown, _LID_CREASES)] *= _CREASE_FOLLOW
            control = np.concatenate([self._mesh[shown], self._ring])
            values = np.concatenate([moved.reshape(len(shown), -1), np.zeros((len(self._ring), landmarks.shape[1]))])
            dense = self._fade * _spline(control, values, self.nodes, self._unit, _DENSE_SMOOTHING)
            beyond = (dense - operator @ landmarks).reshape(-1, len(self._moved), 2)
            fields.append(np.ascontiguousarray(beyond.transpose(1, 0, 2).reshape(len(self._moved), -1), np.float32))
        return fields[0], fields[1]


def _operator(mesh: np.ndarray, anchors: np.ndarray, nodes: np.ndarray, unit: float, *, lower_lip: bool) -> np.ndarray:
    """The matrix from landmark offsets, (68,), to displacements at the nodes, (nodes, 68)."""
    points, follow = _driven_points(mesh, lower_lip)
    return _spline(
        np.concatenate([points, anchors]), np.concatenate([follow, np.zeros((len(anchors), 68))]), nodes, unit
    )


def _spline(
    control: np.ndarray, values: np.ndarray, nodes: np.ndarray, unit: float, smoothing: float = _SMOOTHING
) -> np.ndarray:
    """A thin-plate spline through values (N, K) at control points (N, 2), at the nodes: (nodes, K)."""
    origin = control.mean(0)
    # The smoothing holds for canonical units.
    spline = RBFInterpolator((control - origin) / unit, values, smoothing=smoothing, kernel="thin_plate_spline")
    at_nodes: np.ndarray = spline((nodes.reshape(-1, 2) - origin) / unit)
    return at_nodes


def _driven_points(mesh: np.ndarray, lower_lip: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mesh points that the landmarks carry, (N, 2), and how they follow them, (N, 68)."""
    eye = np.eye(68)
    jaw = eye[:17] * _JAW_FOLLOW[:, None]
    points = [mesh[MESH_TO_68[:17]], mesh[MESH_TO_68[BROWS]], mesh[MESH_TO_68[NOSE]]]
    follow = [jaw, eye[BROWS], eye[NOSE]]
    if lower_lip:
        outer, outer_knots = regions.LOWER_OUTER_LIP, regions.LOWER_OUTER_KNOTS
        inner, inner_knots = regions.LOWER_INNER_LIP, regions.LOWER_INNER_KNOTS
    else:
        outer, outer_knots = regions.UPPER_OUTER_LIP, regions.UPPER_OUTER_KNOTS
        inner, inner_knots = regions.UPPER_INNER_LIP, regions.UPPER_INNER_KNOTS
    points += [mesh[outer], mesh[inner]]
    follow += [contour_weights(mesh[outer], outer_knots), contour_weights(mesh[inner], inner_knots)]
    return np.concatenate(points), np.concatenate(follow)


def _still_points(mesh: np.ndarray, oval: np.ndarray, unit: float) -> np.ndarray:
    """Points that no expression moves, (N, 2): eyes, hairline, and neck and background beyond the jaw."""
    eyes = mesh[MESH_TO_68[np.concatenate([RIGHT_EYE, LEFT_EYE])]]
    hairline = mesh[[54, 103, 67, 109, 10, 338, 297, 332, 284]]
    centre = mesh[[33, 263, 1, 10, 152]].mean(0)
    away = oval - centre
    beyond = oval + away / np.linalg.norm(away, axis=1, keepdims=True) * 0.5 * unit
    return np.concatenate([eyes, hairline, beyond])


def _ring(box: Box) -> np.ndarray:
    """Sixteen points around the edge of a box."""
    t = np.linspace(0, 1, 4, endpoint=False)
    x, y = box.left + t * box.width, box.top + t * box.height
    sides = [
        np.column_stack([x, np.full(4, box.top)]),
        np.column_stack([np.full(4, box.right), y]),
        np.column_stack([box.right - t * box.width, np.full(4, box.bottom)]),
        np.column_stack([np.full(4, box.left), box.bottom - t * box.height]),
    ]
    return np.concatenate(sides)


def _edge_fade(nodes: np.ndarray, box: Box, width: float) -> np.ndarray:
    """1 inside a box, 0 at its edge, so that the flow ends at the edge."""
    x, y = nodes[..., 0], nodes[..., 1]
    depth = np.minimum(np.minimum(x - box.left, box.right - x), np.minimum(y - box.top, box.bottom - y))
    return smoothstep(depth / width)
