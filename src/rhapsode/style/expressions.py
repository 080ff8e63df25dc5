"""Expressions that can be asked for by name, alone or mixed with learnt styles: "smile", "ballad*0.7+smile*0.3"."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from rhapsode.face.units import UNITS
from rhapsode.motion.emphasis import UNMOVED
from rhapsode.style.references import key_motions
from rhapsode.style.style import Style

#: Units of expression (`face.units`) as they are read; a name without side stands for both sides. Every unit is an
#: expression, too.
EXPRESSIONS: Final[Mapping[str, Mapping[str, float]]] = {
    "smile": {"mouthSmile": 0.6, "eyeSquint": 0.2},
    "frown": {"browDown": 0.6, "eyeSquint": 0.2},
    "anger": {"browDown": 0.7, "eyeSquint": 0.25, "noseSneer": 0.4, "mouthFrown": 0.3, "mouthPress": 0.5},
    "sadness": {"browInnerUp": 0.6, "browDown": 0.15, "mouthFrown": 0.8, "mouthShrugLower": 0.4, "eyeBlink": 0.2},
    "surprise": {"browInnerUp": 0.6, "browOuterUp": 0.4, "eyeWide": 0.3, "jawOpen": 0.12},
    "fear": {"browInnerUp": 0.6, "browOuterUp": 0.15, "browDown": 0.15, "eyeWide": 0.5, "mouthStretch": 0.6},
    "disgust": {"noseSneer": 0.9, "browDown": 0.12, "eyeSquint": 0.3, "mouthUpperUp": 0.35, "mouthShrugLower": 0.4},
    "tenderness": {"mouthSmile": 0.35, "browInnerUp": 0.3, "eyeSquint": 0.15, "eyeBlink": 0.15},
    "mockery": {"mouthSmileLeft": 0.6, "mouthDimpleLeft": 0.4, "browOuterUpRight": 0.5, "eyeSquint": 0.3},
    "doubt": {"browOuterUpLeft": 0.6, "browDownRight": 0.5, "mouthPress": 0.4, "mouthFrownRight": 0.3},
}


def is_expression(name: str) -> bool:
    """Tell whether a name is an expression's."""
    return name in EXPRESSIONS or bool(_sides(name))


def expression_names() -> list[str]:
    """List the names of expressions, units after the others."""
    sided = {unit.removesuffix("Left") for unit in UNITS if unit.removesuffix("Left") + "Right" in UNITS}
    return [*EXPRESSIONS, *sorted(sided | set(UNITS))]


def expression_style(name: str) -> Style:
    """Make the style that is an expression and nothing else; it fits every Motion Generator.

    Raises:
        KeyError: there is no expression of that name.
    """
    units = np.zeros(len(UNITS), np.float32)
    for unit, value in EXPRESSIONS.get(name, {name: 1.0}).items():
        if not _sides(unit):
            raise KeyError(name)
        units[_sides(unit)] = value
    return Style(
        name=name,
        delta={},
        units=units,
        response=UNMOVED,
        head_gain=np.ones(5, np.float32),
        blink_rate_scale=1.0,
        references=key_motions().astype(np.float32),
        projection=0.0,
        gamma=0.0,
        generator="",
        provenance={"method": "expression"},
        license="",
    )


def _sides(unit: str) -> list[int]:
    """Number the units that a name stands for: one, or both sides of it."""
    return [n for n, one in enumerate(UNITS) if one in (unit, f"{unit}Left", f"{unit}Right")]
