"""How far each unit of the basis must go so that a face looks as asked: analysis by synthesis on the face itself.

What the expression network reads is not what the basis does: brows that are all the way down in the basis are read as
slightly lowered, how slightly differs from face to face, and a face that smiles already needs less. So the units are
found by moving the face's own mesh and reading it anew. Where the network tells little, the usual gain decides. A face
that is drawn, and tracked again, is read as less than its moved mesh, so that more is asked of the mesh.
"""

from functools import cache
from typing import Final

import numpy as np
from scipy.optimize import least_squares

from rhapsode.compute import single_threaded_matmul
from rhapsode.face.expression_basis import expression_basis
from rhapsode.face.expression_network import expression_network
from rhapsode.face.geometry import fit_pose, to_canonical
from rhapsode.face.landmarks import MESH_TO_68
from rhapsode.face.lids import unmodelled_lids
from rhapsode.face.units import UNITS

#: For units by the beginning of their names: how far the basis goes for what is read as 1, and the furthest that it may
#: go. What is not here is not used: gaze moves no skin, and lips and jaw that words move are the Motion Generator's.
GAINS: Final = {
    "browDown": (2.5, 2.8), "browInnerUp": (2.2, 1.6), "browOuterUp": (1.6, 0.9), "cheekPuff": (1.0, 1.0),
    "cheekSquint": (1.0, 1.2), "eyeBlink": (1.0, 0.6), "eyeSquint": (1.0, 1.0), "eyeWide": (1.2, 1.2),
    "jawOpen": (1.0, 0.4), "jawForward": (1.0, 0.5),
    "mouthDimple": (1.0, 1.2), "mouthFrown": (1.6, 2.0), "mouthPress": (1.0, 0.9), "mouthShrug": (1.0, 1.0),
    "mouthSmile": (1.5, 1.5), "mouthStretch": (1.2, 1.4), "mouthUpperUp": (1.0, 1.0), "mouthLowerDown": (1.0, 1.0),
    "mouthPucker": (1.0, 0.7), "mouthRoll": (1.0, 0.6), "noseSneer": (1.0, 1.2),
}  # fmt: skip
#: Units that no face is ever read as, and what they come with in people: a smile that is meant lifts the cheeks, and
#: brows that go down with the upper lip up wrinkle the nose.
SMILING_CHEEKS, WRINKLED_NOSE = 0.6, 0.8
#: The share of its reach that a unit may go below rest: brows up, a mouth less pursed.
_BELOW = 0.4
#: Cost of a full unit more or less than the usual gain has it, beside an error of 1 in what is read.
_UNUSUAL = 0.12
#: How much more is asked of the mesh than the drawn face is to show, of little; the further a face goes, the less is
#: added, so that a caricature stays whole. Of people's own smiles, drawn on their neutral faces, the tracker saw 0.86
#: without, and sees 1.01.
_UNSEEN = 0.4
#: The share that a face turned by 37 degrees or more does not follow, and one by 14 or less does: its far side lies at
#: the edge, where little can be moved before the outline tears.
_TURNED = 0.5
_STEP = 0.02
#: What is read of gaze is not compared.
_TOLD: Final = np.array([not unit.startswith("eyeLook") for unit in UNITS])


def posed(mesh: np.ndarray | None, asked: np.ndarray) -> np.ndarray:
    """Find the units of the basis that change how a face is read as asked.

    Args:
        mesh: (478, 3) the face, image pixels; the mean face at rest where None.
        asked: (51,) change of what the expression network is to read off the face as drawn.

    Returns:
        (51,) float32 units of the basis (`expression_basis`).
    """
    used, gain, reach = _used()
    face, turned = expression_basis().resting, 0.0
    if mesh is not None:
        pose = fit_pose(mesh[None, MESH_TO_68])
        face = to_canonical(mesh[None], pose)[0]
        turned = float(np.clip((abs(pose.rotation[0, 1]) - 0.25) / 0.4, 0, 1))
    asked = asked * (1 - _TURNED * turned) * (1 + _UNSEEN * (1 - turned) * np.exp(-np.square(asked)))
    usual = np.clip(gain * asked[used], -_BELOW * reach, reach)
    moved = _as_drawn()[used].reshape(len(used), -1)

    def read(units: np.ndarray) -> np.ndarray:
        change = single_threaded_matmul(units.astype(np.float32), moved)
        return expression_network().units(face + change.reshape(-1, *face.shape))

    wanted = read(np.zeros((1, len(used))))[0] + asked

    def residuals(units: np.ndarray) -> np.ndarray:
        return np.concatenate([(read(units[None])[0] - wanted)[_TOLD], _UNUSUAL * (units - usual)])

    def slopes(units: np.ndarray) -> np.ndarray:
        steps = _STEP * np.eye(len(used))
        change = (read(units + steps) - read(units - steps)) / (2 * _STEP)
        return np.concatenate([change.T[_TOLD], _UNUSUAL * np.eye(len(used))])

    bounds = (-_BELOW * reach - 1e-6, reach + 1e-6)
    units = np.zeros(len(UNITS), np.float32)
    units[used] = least_squares(residuals, usual, slopes, bounds, max_nfev=30).x
    return _with_company(units)


def _with_company(units: np.ndarray) -> np.ndarray:
    """Add the units that come with others, (51,) -> (51,)."""
    whole = units.copy()
    for side in ("Left", "Right"):
        smile, lip, brow = (UNITS.index(one + side) for one in ("mouthSmile", "mouthUpperUp", "browDown"))
        whole[UNITS.index(f"cheekSquint{side}")] += SMILING_CHEEKS * max(units[smile], 0)
        whole[UNITS.index(f"noseSneer{side}")] += WRINKLED_NOSE * max(min(units[lip], units[brow]), 0)
    return whole


@cache
def _as_drawn() -> np.ndarray:
    """The basis (51, 478, 3), each smile with its cheeks, and lids as they are drawn."""
    basis = expression_basis().mesh + unmodelled_lids()
    for side in ("Left", "Right"):
        basis[UNITS.index(f"mouthSmile{side}")] += SMILING_CHEEKS * basis[UNITS.index(f"cheekSquint{side}")]
    return basis


@cache
def _used() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number the units that are used, and give the gain and the reach of each."""
    used = {n: both for n, unit in enumerate(UNITS) for name, both in GAINS.items() if unit.startswith(name)}
    gain, reach = (np.array(column) for column in zip(*used.values(), strict=True))
    return np.array(list(used)), gain, reach
