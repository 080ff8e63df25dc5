"""The units of expression: what a face does, apart from whose face it is."""

from typing import Final

import numpy as np

#: ARKit's units in MediaPipe's order. Each goes from 0, at rest, to 1, as far as a face can.
UNITS: Final = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeWideLeft", "eyeWideRight",
    "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
)  # fmt: skip

#: A face at rest.
AT_REST: Final = np.zeros(len(UNITS), np.float32)
AT_REST.flags.writeable = False


def mirrored_unit(unit: str) -> str:
    """Name the unit that one becomes in a mirror."""
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if unit.endswith(side):
            return unit.removesuffix(side) + other
    return unit
