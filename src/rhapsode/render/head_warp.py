"""Head motion as a flow over the whole picture: the head turns as a solid, the torso follows, the rest stays still.

Where a part of the head comes to lie before another, as a nose does before a cheek, what is nearer is seen.
"""

import cv2
import numpy as np

from rhapsode.compute import single_threaded_matmul
from rhapsode.face.geometry import SKULL_BASE, Pose, to_image
from rhapsode.face.tracker import Face
from rhapsode.motion.head import LIMITS
from rhapsode.render.grid import Box, Grid, smoothstep
from rhapsode.render.head_depth import head_depth

#: The middle of the head, and its half width and half height as seen from the front (with ears and some hair).
HEAD_CENTRE = np.array([0.0, 0.2, 0.8])
HEAD_RADII = np.array([0.95, 1.5])
#: Share of the head's translation that the torso follows.
_TORSO_FOLLOW = 0.2
#: Canonical units below the chin over which the neck blends from head to torso.
_NECK = 1.1
#: Canonical units above the lower edge of the picture over which shoulders that move by themselves come to rest.
_BASE = 0.5
#: Canonical units by which the person mask is dilated, and standard deviation of its blur: the background stays still.
_WIDEN, _BLUR = 0.34, 0.17
#: Steps by which the source of a node is found once it is near, and at most; how far each goes at most, cells; and
#: steps away from the head, where nothing folds.
_STEPS, _MOST_STEPS, _STRIDE, _SMOOTH_STEPS = 3, 8, 1.5, 2
#: A node belongs to the head's surroundings from this weight on.
_REACHED = 0.01
#: Standard deviations by which the depth is smoothed, canonical units: on a surface, and at an edge; and the slopes
#: between which a slope becomes an edge.
_FINE, _SOFT, _STEEP = 0.025, 0.08, (2.2, 3.2)
#: By how much of itself the head is drawn out at most, but for the last hundredth of it; the angle at which that is
#: measured, radians; the turn from the front beyond which a face is a profile; and what a head may turn in any case.
_DRAWN_OUT, _ALMOST_ALL, _TRIED, _PROFILE, _LEAST = 1.0, 0.99, 0.15, 0.87, 0.1
#: Flow below this many pixels is ignored.
_INVISIBLE = 0.05
#: Shoulders that are where they are in the picture.
IN_PLACE = np.zeros(2)


class HeadMotion:
    """The head of a portrait as a surface with depth, ready to turn.

    Attributes:
        grid: laid over the picture.
        depth: (rows, columns) float32, how deep what the picture shows lies at the nodes, pixels, away from the viewer.
    """

    def __init__(
        self,
        face: Face,
        pose: Pose,
        person: np.ndarray,
        matte: np.ndarray,
        grid: Grid | None = None,
        share: np.ndarray | None = None,
    ) -> None:
        """Measure a picture.

        Args:
            face: the face in it.
            pose: of the head (T = 1).
            person: (H, W) float32 in [0, 1], probability that a pixel belongs to a person.
            matte: (H, W) float32 in [0, 1], the person with its hair.
            grid: to be laid over the picture; one as fine as this head needs where None.
            share: (rows, columns) in [0, 1], of what each node does, where several heads move in the picture.
        """
        height, width = person.shape
        self._unit = unit = float(pose.scale[0])
        self._picture = Box(0, 0, width, height)
        self.grid = grid = grid or head_grid(width, height, unit)
        self._nodes = grid.nodes()
        pivot = to_image(SKULL_BASE[None, None], pose)[0, 0]
        centre = to_image(HEAD_CENTRE[None, None], pose)[0, 0]
        on_person = _at_nodes(matte, grid)
        depth = head_depth(face.mesh, pose, on_person, grid)
        self.depth = _smoothed(depth, unit, grid.step)
        arm = np.concatenate([self._nodes - pivot[:2], (self.depth - pivot[2])[..., None]], axis=-1)
        head, torso = _weights(face, unit, person, centre, grid)
        if share is not None:
            head, torso = share * head, share * torso
        self._own = None if share is None else (share > 0.5)[..., None]
        self._head = head
        self._on_person = on_person > 0.5
        forward = pose.matrices[0][:, 2]
        self._yaw = float(np.arctan2(forward[0], forward[2]))
        self._reached = [(int(one.min()), int(one.max()) + 1) for one in np.nonzero(head > _REACHED)]
        free = torso * smoothstep((height - self._nodes[..., 1]) / (_BASE * unit))
        # How each node follows the arm that turns (3), the head's shift, and that of the shoulders.
        follows = np.dstack([head[..., None] * arm, head + _TORSO_FOLLOW * torso, free])
        self._follows = np.ascontiguousarray(follows.reshape(-1, 5), np.float32)

    def displacement(
        self, rotation: np.ndarray, translation: np.ndarray, shoulders: np.ndarray = IN_PLACE
    ) -> np.ndarray:
        """Compute how far each node of the still picture moves, (rows, columns, 2) float32, pixels.

        Args:
            rotation: (3,) rotation vector about the pivot, radians, camera axes (x right, y down, z away).
            translation: (3,) canonical units; its z has no effect under weak perspective.
            shoulders: (2,) how far they move beside that, canonical units.
        """
        turn = _matrix(rotation)[:2] - np.eye(3)[:2]
        ways = np.vstack([turn.T, self._unit * translation[:2], self._unit * shoulders]).astype(np.float32)
        return single_threaded_matmul(self._follows, ways).reshape(self._nodes.shape)

    def source(self, displacement: np.ndarray, rotation: np.ndarray) -> np.ndarray:
        """Find where each node of the moved picture came from, (rows, columns, 2) float32, pixels of the still one.

        Args:
            displacement: as `displacement` gives it.
            rotation: that it was made of.
        """
        source = self.still_source(displacement)
        self.find_source(source, displacement, rotation)
        return source

    def still_source(self, displacement: np.ndarray) -> np.ndarray:
        """Find where nodes came from where nothing folds, as away from heads; as `source`."""
        return self.grid.follow(displacement, self._nodes, _SMOOTH_STEPS)

    def find_source(self, source: np.ndarray, displacement: np.ndarray, rotation: np.ndarray) -> None:
        """Find where the nodes about the head came from.

        Several places may have come to a node. It is looked for from the nearest that anything about it lies, step by
        step, and so what is nearest is found.

        Args:
            source: what `still_source` gave, to be changed.
            displacement: that of all heads of the picture together.
            rotation: of this one.
        """
        grid, step = self.grid, np.float32(self.grid.step)
        near = self._around_head(displacement)
        nodes, depth = self._nodes[near], self.depth[near]
        away = _matrix(rotation)[:2, 2].astype(np.float32)
        radius = int(np.ceil(np.hypot(*away) * np.ptp(self.depth) / step))
        nearest = cv2.erode(depth, np.ones((2 * radius + 1, 2 * radius + 1), np.uint8))
        start = nodes - displacement[near] + (self._head[near] * (depth - nearest))[..., None] * away
        # A field that spreads is gone through more slowly; one that folds is not gone through at all.
        spread = np.maximum(_divergence(displacement[near]) / step, 0)
        pace = 1 / (1 + spread)
        part = Grid(grid.left + near[1].start * grid.step, grid.top + near[0].start * grid.step, grid.step,
                    nodes.shape[1], nodes.shape[0])  # fmt: skip
        steps = _STEPS + int(np.ceil(radius / _STRIDE))
        found = part.search(displacement[near], pace, nodes, start, min(steps, _MOST_STEPS), _STRIDE)
        source[near] = found if self._own is None else np.where(self._own[near], found, source[near])

    def _around_head(self, displacement: np.ndarray) -> tuple[slice, slice]:
        """Rows and columns of the nodes that a head may reach which moves by a displacement field."""
        margin = int(np.ceil(np.abs(displacement).max() / self.grid.step)) + 2
        (top, bottom), (left, right) = self._reached
        return slice(max(top - margin, 0), bottom + margin), slice(max(left - margin, 0), right + margin)

    def limits(self) -> np.ndarray:
        """Measure how far the head can turn and nod before what is seen of it is drawn out too far.

        Returns:
            (2, 5) as `motion.head.LIMITS`, and never beyond.
        """
        limits = LIMITS.copy()
        seen = (self._head > 0.5) & self._on_person
        for side, sign in enumerate((-1, 1)):
            for axis in (0, 1):
                rotation = np.zeros(3)
                rotation[axis] = sign * _TRIED
                spread = _divergence(self.displacement(rotation, np.zeros(3)))[seen] / self.grid.step
                most = max(float(np.quantile(spread, _ALMOST_ALL)), 1e-3)
                limits[side, axis] = sign * min(abs(limits[side, axis]), _TRIED * _DRAWN_OUT / most)
        left = max(_PROFILE - self._yaw, _LEAST), max(_PROFILE + self._yaw, _LEAST)
        limits[:, 1] = max(limits[0, 1], -left[1]), min(limits[1, 1], left[0])
        return limits

    def reach(self, source: np.ndarray) -> int:
        """Give how far anything comes from at most, across or down, pixels."""
        return int(np.ceil(cv2.norm(source, self._nodes, cv2.NORM_INF))) + 1

    def active(self, source: np.ndarray) -> Box:
        """Give the pixels of the picture that the motion changes."""
        flow = cv2.absdiff(source, self._nodes)
        moved = np.maximum(flow[..., 0], flow[..., 1]) > _INVISIBLE
        left, top, width, height = cv2.boundingRect(moved.view(np.uint8))
        if width == 0:
            return Box(0, 0, 0, 0)
        ends = self._nodes[[top, top + height - 1], [left, left + width - 1]]
        # Two cells of margin: the enlarged flow reaches half a cell beyond the nodes.
        return Box.around(ends, 1.5 * self.grid.step).intersect(self._picture)


def head_grid(width: int, height: int, unit: float) -> Grid:
    """Make a grid over a picture that is as fine as a head needs.

    Args:
        width: of the picture, pixels.
        height: likewise.
        unit: pixels in a canonical unit.
    """
    return Grid.over(Box(0, 0, width, height), max(2, round(unit / 16)))


def _smoothed(depth: np.ndarray, unit: float, step: int) -> np.ndarray:
    """Depth without facets, its edges spread over two or three cells, which no grid could draw sharp."""
    fine, soft = (cv2.GaussianBlur(depth, (0, 0), by * unit / step) for by in (_FINE, _SOFT))
    cell = np.ones((3, 3), np.uint8)
    slope = cv2.morphologyEx(depth, cv2.MORPH_GRADIENT, cell) / (2 * step)
    edge = smoothstep((slope - _STEEP[0]) / (_STEEP[1] - _STEEP[0])).astype(np.float32)
    smoothed: np.ndarray = fine + cv2.GaussianBlur(cv2.dilate(edge, cell), (0, 0), 1.0) * (soft - fine)
    return smoothed


def _matrix(rotation: np.ndarray) -> np.ndarray:
    """The matrix (3, 3) of a rotation vector."""
    return cv2.Rodrigues(np.asarray(rotation, np.float64))[0]


def _divergence(field: np.ndarray) -> np.ndarray:
    """By how much a field (rows, columns, 2) spreads from node to node, (rows, columns), its units."""
    spread = np.zeros(field.shape[:2], np.float32)
    spread[:, 1:-1] = (field[:, 2:, 0] - field[:, :-2, 0]) / 2
    spread[1:-1] += (field[2:, :, 1] - field[:-2, :, 1]) / 2
    return spread


def _weights(
    face: Face, unit: float, person: np.ndarray, centre: np.ndarray, grid: Grid
) -> tuple[np.ndarray, np.ndarray]:
    """How much each node belongs to the head and to the torso, two (rows, columns) float32 arrays in [0, 1]."""
    nodes, landmarks = grid.nodes(), face.landmarks[:, :2]
    down = landmarks[8] - landmarks[27]
    down = down / np.linalg.norm(down)
    below_chin = ((nodes - landmarks[8]) @ down) / unit
    away = np.linalg.norm((nodes - centre[:2]) / (unit * HEAD_RADII), axis=-1)
    # The person mask sometimes misses the head (paintings, small faces); the mesh does not.
    mask = np.maximum(_at_nodes(person, grid), 1 - smoothstep((away - 0.95) / 0.15))
    cells = unit / grid.step
    size = 2 * round(_WIDEN * cells) + 1
    wide = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    still = cv2.GaussianBlur(wide, (0, 0), _BLUR * cells, borderType=cv2.BORDER_REPLICATE)
    near = 1 - smoothstep((away - 1.6) / 1.2)
    head = (1 - smoothstep((below_chin + 0.05) / _NECK)) * near
    return (still * head).astype(np.float32), (still * (1 - head)).astype(np.float32)


def _at_nodes(mask: np.ndarray, grid: Grid) -> np.ndarray:
    """A full-size mask averaged over the cells of a grid, (rows, columns) float32, constant beyond its border."""
    height, width = mask.shape
    step = grid.step
    padded = cv2.copyMakeBorder(
        mask,
        -grid.top,
        grid.rows * step + grid.top - height,
        -grid.left,
        grid.columns * step + grid.left - width,
        cv2.BORDER_REPLICATE,
    )
    return cv2.resize(padded, (grid.columns, grid.rows), interpolation=cv2.INTER_AREA)
