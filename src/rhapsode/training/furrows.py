"""Learn maps of furrows: what each unit of expression makes darker and lighter on the skin.

    rhapsode train furrows --face-model FILE --pairs FOLDER --film FOLDER --out MODEL

An expression ratio image (Liu, Shan, Zhang 2001) is the picture of a face with an expression over that without it.
Here it is the mean over people, so that it is nobody's, in the texture of the tracker's mesh. Smiles are learnt from
pairs of pictures of real people, the shade of brows from films of an actor, smoothed; other units from a face model;
lines that no mean shows are drawn.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from safetensors.numpy import save

from rhapsode.face import regions, texture
from rhapsode.face.units import UNITS
from rhapsode.files import atomic_write
from rhapsode.progress import Progress, no_progress
from rhapsode.training import furrow_lines
from rhapsode.training.furrow_model import model_shades
from rhapsode.training.furrow_pairs import Look, changes_of_pairs, look_of_films, mean_look, symmetric
from rhapsode.training.run import Run

#: The units that go with each change learnt from real people: its shade is that of their sum.
_SMILE, _RAISED, _LOWERED = ("mouthSmileLeft", "mouthUpperUpLeft"), ("browInnerUp",), ("browDownLeft",)
#: Expressions below this are not taken for more than they are.
_LEAST = 0.3
#: Canonical units by which maps are smoothed, and those of the film's one actor.
_SMOOTH, _ONE_PERSON = 0.012, 0.07
#: What moves over the skin or is none: outlines in the mesh, and how far around each no shade is believed.
_RIGHT_BROW = np.array([70, 63, 105, 66, 107, 55, 65, 52, 53, 46])
_LEFT_BROW = np.array([300, 293, 334, 296, 336, 285, 295, 282, 283, 276])
_RIGHT_EYE = np.concatenate([regions.RIGHT_UPPER_LID, regions.RIGHT_LOWER_LID[::-1]])
_LEFT_EYE = np.concatenate([regions.LEFT_UPPER_LID, regions.LEFT_LOWER_LID[::-1]])
_LIPS = np.concatenate([regions.UPPER_OUTER_LIP, regions.LOWER_OUTER_LIP[::-1]])
_NOSTRILS = np.array([98, 97, 2, 326, 327, 294, 278, 344, 440, 275, 4, 45, 220, 115, 48, 64])
_OVAL = np.array([10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
                  152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109])  # fmt: skip
#: Units that are learnt from the face model alone, and how much of what it shows is taken.
_FROM_MODEL = {"mouthFrown": 1.2, "mouthDimple": 0.6, "mouthStretch": 1.0, "mouthPress": 1.0, "mouthUpperUp": 0.8,
               "noseSneer": 1.0, "mouthShrugLower": 0.8, "cheekPuff": 0.7}  # fmt: skip


@dataclass(frozen=True)
class FurrowsRecipe:
    """Settings of the maps of furrows."""

    face_model: Path
    """The face model, `face_model.safetensors`."""
    pairs: Path
    """Folder of pictures `PERSON_neutral` and `PERSON_smiling`."""
    film: Path
    """Folder of films of one actor, with `NEU`, `HAP`, `FEA` and `DIS` in their names."""
    out: Path
    """Model folder; made where missing."""
    people: int = 6
    """Number of faces, drawn at random from the model."""
    seed: int = 0
    """Of the faces."""


def train(recipe: FurrowsRecipe, progress: Progress = no_progress) -> Path:
    """Make the map of each unit that shows on the skin.

    Returns:
        The file of the model: `maps` (N, *texture.SHAPE) int8, `scales` (N,) float32 that they are multiplied by to
        give logarithms of ratios of picture values at full expression, `units` (N,) whose they are, in `UNITS`. The
        right side is the left one in the mirror.

    Raises:
        DataError: pictures or films are missing, or show no face.
        WeightsError: the face model is missing, or is none.
    """
    run = Run.open(recipe, "furrows")
    model = model_shades(recipe.face_model, recipe.people, recipe.seed, progress)
    smile = mean_look(changes_of_pairs(recipe.pairs, "neutral", "smiling", progress))
    neutral, happy, afraid, disgusted = (
        look_of_films(sorted(recipe.film.glob(f"*{name}*"))) for name in ("NEU", "HAP", "FEA", "DIS")
    )
    raised, lowered = mean_look([happy, afraid]) - neutral, disgusted - neutral
    maps = compose(model, _full(smile, _SMILE), _full(raised, _RAISED), _full(lowered, _LOWERED))
    units = sorted(unit for unit in maps if not UNITS[unit].endswith("Right"))
    shades = np.stack([maps[unit] for unit in units])
    scales = np.abs(shades).max((1, 2)) / 127
    tensors = {
        "maps": np.rint(shades / scales[:, None, None]).astype(np.int8),
        "scales": scales.astype(np.float32),
        "units": np.array(units, np.int32),
    }
    atomic_write(run.path("furrows.safetensors"), save(tensors))
    licenses = ["MIT (ICT-FaceKit)", "CC-BY-4.0 (Face Research Lab London Set)", "DbCL-1.0 (CREMA-D)"]
    return run.finish(
        ["furrows.safetensors"], licenses, "ICT-FaceKit light; 100 people smiling (London Set); an actor of CREMA-D"
    )


def _full(change: Look, units: tuple[str, ...]) -> np.ndarray:
    """The shade of a change at full expression."""
    reached = float(sum(change.units[UNITS.index(unit)] for unit in units))
    shade: np.ndarray = change.shade / max(reached, _LEAST)
    return shade


def compose(model: np.ndarray, smile: np.ndarray, raised: np.ndarray, lowered: np.ndarray) -> dict[int, np.ndarray]:
    """Put together the map of each unit.

    Args:
        model: (51, *texture.SHAPE) shades of the face model.
        smile: (*texture.SHAPE) that of a full smile.
        raised: that of raised brows, of one person.
        lowered: that of lowered brows, of one person.

    Returns:
        Number of a unit in `UNITS` -> (*texture.SHAPE) float32.
    """
    x, y = np.moveaxis(texture.pixels(), -1, 0)
    left = _rise(x, -0.08, 0.08)
    smile = _skin(smile, 1.0)
    fold = smile * _rise(y, 0.15, 0.3) * (1 - _rise(y, 0.5, 0.7)) * (np.abs(x) > 0.12)
    cheek = smile * (1 - _rise(y, 0.3, 0.5)) * _rise(y, -0.2, -0.05)
    brows = _skin(raised, 4.0, _ONE_PERSON) * (1 - _rise(y, -0.3, -0.2))
    frown = _skin(lowered, 2.0, _ONE_PERSON) * np.exp(-((x / 0.22) ** 2) - ((y + 0.12) / 0.14) ** 2)
    of = {unit: model[n] for n, unit in enumerate(UNITS)}
    sided = {
        "browDown": 0.6 * frown * left + 0.7 * _skin(of["browDownLeft"], 0.4) + furrow_lines.frown(),
        "browOuterUp": 0.5 * brows * left + 0.7 * _skin(of["browOuterUpLeft"], 0.4) + furrow_lines.forehead(0.36, 0.17),
        "cheekSquint": 0.6 * cheek * left + furrow_lines.crows_feet(),
        "eyeSquint": 0.6 * furrow_lines.crows_feet(),
        "mouthSmile": smile * _rise(y, -0.2, -0.05) * left + 0.3 * furrow_lines.crows_feet(),
    }
    for name, share in _FROM_MODEL.items():
        if f"{name}Left" in of:
            sided[name] = share * _skin(of[f"{name}Left"], 1.0)
    sided["noseSneer"] += 0.8 * fold * left + furrow_lines.wrinkled_nose() + furrow_lines.lifted_lip()
    sided["mouthUpperUp"] += fold * left + 0.5 * furrow_lines.lifted_lip()
    maps = {"browInnerUp": 0.5 * brows + 0.7 * _skin(of["browInnerUp"], 0.4) + furrow_lines.forehead(0.0, 0.24)}
    maps |= {name: share * symmetric(_skin(of[name], 1.0)) for name, share in _FROM_MODEL.items() if name in of}
    for name, shade in sided.items():
        maps |= {f"{name}Left": shade, f"{name}Right": shade[:, ::-1]}
    bare = 1 - cv2.GaussianBlur(_hidden(0.3).astype(np.float32), (0, 0), 0.02 * texture.SCALE)
    edge = symmetric(_edge() * bare)
    return {UNITS.index(unit): (shade * edge).astype(np.float32) for unit, shade in maps.items()}


def _rise(x: np.ndarray, start: float, end: float) -> np.ndarray:
    """Rise smoothly from 0 to 1."""
    t = np.clip((x - start) / (end - start), 0, 1)
    risen: np.ndarray = t * t * (3 - 2 * t)
    return risen


def _skin(shade: np.ndarray, brow: float, smooth: float = _SMOOTH) -> np.ndarray:
    """A shade with that of the skin around in place of brows, eyes, lips and nostrils, smoothed."""
    hidden = _hidden(brow)
    keep = (~hidden).astype(np.float32)
    sigma = max(0.04, smooth) * texture.SCALE

    def spread(values: np.ndarray, times: float) -> np.ndarray:
        return cv2.GaussianBlur(values.astype(np.float32), (0, 0), times * sigma)

    filled = (spread(shade * keep, 1) + 0.02 * spread(shade * keep, 4)) / (spread(keep, 1) + 0.02 * spread(keep, 4))
    whole: np.ndarray = cv2.GaussianBlur(np.where(hidden, filled, shade), (0, 0), smooth * texture.SCALE)
    return whole


def _hidden(brow: float) -> np.ndarray:
    """Where the texture shows no skin, bool; `brow` times as far around brows as around the rest."""
    around = {0.03 * brow: (_RIGHT_BROW, _LEFT_BROW), 0.03: (_RIGHT_EYE, _LEFT_EYE, _LIPS), 0.025: (_NOSTRILS,)}
    hidden = np.zeros(texture.SHAPE, np.uint8)
    for far, outlines in around.items():
        inside = np.zeros(texture.SHAPE, np.uint8)
        for outline in outlines:
            cv2.fillPoly(inside, [np.rint(texture.to_texture(texture.resting()[outline])).astype(np.int32)], 1)
        size = 2 * round(far * texture.SCALE) + 1
        hidden |= cv2.dilate(inside, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    return hidden > 0


def _edge() -> np.ndarray:
    """1 inside the face, falling to 0 at its oval."""
    inside = np.zeros(texture.SHAPE, np.uint8)
    cv2.fillPoly(inside, [np.rint(texture.to_texture(texture.resting()[_OVAL])).astype(np.int32)], 1)
    depth = cv2.distanceTransform(np.pad(inside, 1), cv2.DIST_L2, 5)[1:-1, 1:-1] / texture.SCALE
    return _rise(depth, 0.0, 0.12)
