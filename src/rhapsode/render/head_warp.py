"""Head motion as a flow over the whole picture: the head turns as a solid, the torso follows, the rest stays still."""

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.spatial.transform import Rotation

from rhapsode.compute import single_threaded_matmul
from rhapsode.face.geometry import SKULL_BASE, Pose, to_image
from rhapsode.face.tracker import Face
from rhapsode.render.grid import Box, Grid, smoothstep

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
_INVERSIONS = 6
#: Flow below this many pixels is ignored.
_INVISIBLE = 0.05
#: Shoulders that are where they are in the picture.
IN_PLACE = np.zeros(2)


class HeadMotion:
    """The head of a portrait as a surface with depth, ready to turn.

    Attributes:
        grid: laid over the picture.
    """

    def __init__(self, face: Face, pose: Pose, person: np.ndarray) -> None:
        """Measure a picture.

        Args:
            face: the face in it.
            pose: of the head (T = 1).
            person: (H, W) float32 in [0, 1], probability that a pixel belongs to a person.
        """
        height, width = person.shape
        self._unit = unit = float(pose.scale[0])
        self._picture = Box(0, 0, width, height)
        self.grid = Grid.over(self._picture, max(2, round(self._unit / 16)))
        self._nodes = self.grid.nodes()
        pivot = to_image(SKULL_BASE[None, None], pose)[0, 0]
        centre = to_image(HEAD_CENTRE[None, None], pose)[0, 0]
        depth = _depth(face, unit, centre, self._nodes)
        arm = np.concatenate([self._nodes - pivot[:2], (depth - pivot[2])[..., None]], axis=-1)
        head, torso = _weights(face, unit, person, centre, self.grid)
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
        turn = Rotation.from_rotvec(rotation).as_matrix()[:2] - np.eye(3)[:2]
        ways = np.vstack([turn.T, self._unit * translation[:2], self._unit * shoulders]).astype(np.float32)
        return single_threaded_matmul(self._follows, ways).reshape(self._nodes.shape)

    def source(self, displacement: np.ndarray) -> np.ndarray:
        """Find where each node of the moved picture came from, (rows, columns, 2) float32, pixels of the still one."""
        return self.grid.invert(displacement, self._nodes, _INVERSIONS)

    def reach(self, source: np.ndarray) -> int:
        """Give how far anything comes from at most, across or down, pixels."""
        return int(np.ceil(np.abs(source - self._nodes).max())) + 1

    def active(self, source: np.ndarray) -> Box:
        """Give the pixels of the picture that the motion changes."""
        flow = np.abs(source - self._nodes)
        moved = np.maximum(flow[..., 0], flow[..., 1]) > _INVISIBLE
        if not moved.any():
            return Box(0, 0, 0, 0)
        # Two cells of margin: the enlarged flow reaches half a cell beyond the nodes.
        return Box.around(self._nodes[moved], 1.5 * self.grid.step).intersect(self._picture)


def _depth(face: Face, unit: float, centre: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Depth of the head's surface at each node, (rows, columns) float32, pixels, on the mesh's scale.

    A smooth dome approximates skull, hair and ears; the mesh corrects it on the face. Far from the head the dome levels
    off at the depth of the head's middle, where a turn moves little.
    """
    mesh = face.mesh.astype(np.float64)

    def dome(points: np.ndarray) -> np.ndarray:
        across = (points - centre[:2]) / (unit * HEAD_RADII)
        return centre[2] - 1.15 * unit * np.exp(-0.9 * (across**2).sum(-1))

    ring = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    edge = centre[:2] + 1.35 * unit * HEAD_RADII * np.column_stack([np.cos(ring), np.sin(ring)])
    control = np.concatenate([mesh[:468:2, :2], edge])
    rest = np.concatenate([mesh[:468:2, 2] - dome(mesh[:468:2, :2]), np.zeros(len(edge))])
    fit = RBFInterpolator((control - centre[:2]) / unit, rest / unit, smoothing=2e-3, kernel="thin_plate_spline")
    across = np.linalg.norm((nodes - centre[:2]) / (unit * HEAD_RADII), axis=-1)
    near = across < 1.4
    correction = np.zeros(nodes.shape[:2])
    correction[near] = unit * fit((nodes[near] - centre[:2]) / unit)
    correction *= 1 - smoothstep((across - 1.0) / 0.4)
    return (dome(nodes) + correction).astype(np.float32)


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
