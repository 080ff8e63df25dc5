"""A style: a manner of speaking, learnt from a clip, that changes the Motion Generator, the head and the blinks.

It holds no picture (unless that was asked for), no sound of the person (unless projection was), and not the shape of
the face: every landmark set is an offset from the person's own resting face.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rhapsode.errors import StyleError
from rhapsode.style.file import LARGEST_UNIT, read_style, write_style

if TYPE_CHECKING:
    from rhapsode.motion.generator import MotionGenerator
    from rhapsode.motion.head import HeadModel

#: The four key motions, in the order of `Style.references`.
KEY_MOTIONS = ("None", "M", "R", "O")
#: Largest strength: above it faces tear.
STRONGEST = 1.5


@dataclass(frozen=True)
class Style:
    """A manner of speaking.

    Attributes:
        name: name of the style.
        delta: changes of the Motion Generator's weights, float32, by the weights' names.
        units: (51,) float32 units of expression (`face.units`) that last, in speech and in pauses: what is read off the
            clip against a neutral face.
        response: (2, 51) float32, how far units follow stress and pauses (`motion.emphasis.DRIVES`), likewise.
        head_gain: (5,) float32, gain of the head's motion in each direction of `HeadModel`; 1 as without style.
        blink_rate_scale: factor of the natural blink rate.
        references: (4, 68, 3) float32 offsets from rest in the four reference images (`KEY_MOTIONS`), canonical space.
        projection: share of manifold projection of the driving voice onto `bank`, 0 none to 1.
        gamma: eq. (3), share of the style in the regularisation.
        generator: `key` of the Motion Generator that the style was learnt for; empty where `delta` is.
        provenance: origin: clip, its SHA-256, date, versions, settings.
        license: terms under which the style may be used.
        bank: (M, F) float32 features of the style clip's voice, for manifold projection; None where projection is 0.
        pictures: (4, 128, 128, 3) uint8 RGB, the reference images; None unless asked for: they show the person.
    """

    name: str
    delta: Mapping[str, np.ndarray]
    units: np.ndarray
    response: np.ndarray
    head_gain: np.ndarray
    blink_rate_scale: float
    references: np.ndarray
    projection: float
    gamma: float
    generator: str
    provenance: Mapping[str, Any]
    license: str
    bank: np.ndarray | None = None
    pictures: np.ndarray | None = None

    def save(self, path: Path) -> None:
        """Write the style to a file ending in .safetensors; `style.file` describes the format.

        Raises:
            StyleError: if the file would be too large, or a value is out of range.
        """
        write_style(path, {field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> "Style":
        """Read what `save` wrote.

        Raises:
            StyleError: if the file is missing, damaged, of another format, or holds a value that is out of range.
        """
        return cls(**read_style(path))

    def scaled(self, strength: float) -> "Style":
        """Scale the style: 0 none, 1 as learnt, up to `STRONGEST` extrapolated.

        Raises:
            StyleError: if the strength is out of range.
        """
        if not 0 <= strength <= STRONGEST:
            raise StyleError(
                f"style strength {strength:g}: out of range",
                f"choose 0 (none) to {STRONGEST:g}, 1 as learnt",
                "strength",
            )
        return blend([(self, strength)], self.name)

    def check_fits(self, generator: "MotionGenerator") -> None:
        """Refuse a Motion Generator that the style was not learnt for.

        Raises:
            StyleError: the style was learnt for another one; the message names both.
        """
        if not self.delta:
            return
        weights = generator.weights
        fits = all(name in weights and weights[name].shape == change.shape for name, change in self.delta.items())
        if self.bank is not None and self.bank.shape[1] != generator.width:
            fits = False
        if self.generator != generator.key or not fits:
            raise StyleError(
                f"style {self.name!r}: learnt for Motion Generator {self.generator}, and this one is {generator.key}",
                "learn it anew from its clip",
                "style-of-another-model",
            )

    def apply(self, generator: "MotionGenerator") -> "MotionGenerator":
        """Make a Motion Generator with the style's weights; `generator` stays as it is.

        Raises:
            StyleError: if the style was learnt for another one.
        """
        self.check_fits(generator)
        return generator.with_weight_delta(self.delta)

    def move_head(self, head: "HeadModel") -> "HeadModel":
        """Make a head model that moves as far as in the style clip: x' = D x for the autoregression x, D diagonal."""
        gain = self.head_gain.astype(np.float64)
        coefficients = gain[:, None] * head.coefficients / gain
        return replace(
            head, coefficients=coefficients, speech=gain[:, None] * head.speech, pause=gain[:, None] * head.pause
        )


def blend(parts: Sequence[tuple[Style, float]], name: str) -> Style:
    """Mix styles: weights and offsets add up, gains and rates multiply.

    Args:
        parts: styles for one Motion Generator, and the weight of each; references and bank are those of the learnt one
            with the largest weight.
        name: name of the mixture.

    Raises:
        StyleError: if there is nothing to mix, or the styles were learnt for different Motion Generators.
    """
    if not parts:
        raise StyleError("nothing to mix", "name a style")
    learnt = [part for part in parts if part[0].delta]
    chief = max(learnt or parts, key=lambda part: part[1])[0]
    strangers = [style for style, _ in learnt if style.generator != chief.generator]
    if strangers:
        raise StyleError(
            f"styles {chief.name!r} and {strangers[0].name!r}: learnt for different Motion Generators "
            f"({chief.generator}, {strangers[0].generator})",
            "learn the older one anew from its clip",
            "style-of-another-model",
        )
    delta: dict[str, np.ndarray] = {}
    for style, weight in parts:
        for key, change in style.delta.items():
            if key in delta and delta[key].shape != change.shape:
                raise StyleError(f"style {style.name!r}: {key} has another shape than in the others", "learn it anew")
            delta[key] = delta.get(key, np.float32(0)) + np.float32(weight) * change
    gain = np.exp(sum((weight * np.log(style.head_gain) for style, weight in parts), np.zeros(5)))
    units = sum((np.float32(weight) * style.units for style, weight in parts), np.zeros_like(chief.units))
    response = sum((np.float32(weight) * style.response for style, weight in parts), np.zeros_like(chief.response))
    projection = min(max(weight for _, weight in parts), 1.0) * chief.projection
    if [weight for _, weight in parts] == [1]:
        provenance = chief.provenance
    else:
        origins = [{**style.provenance, "name": style.name, "weight": weight} for style, weight in parts]
        provenance = {"mixed": origins}
    return replace(
        chief,
        name=name,
        delta=delta,
        units=np.clip(units, -LARGEST_UNIT, LARGEST_UNIT),
        response=np.clip(response, -LARGEST_UNIT, LARGEST_UNIT),
        head_gain=gain.astype(np.float32),
        blink_rate_scale=math.prod(style.blink_rate_scale**weight for style, weight in parts),
        projection=projection,
        bank=chief.bank if projection > 0 else None,
        provenance=provenance,
        license="; ".join(dict.fromkeys(style.license for style, _ in parts if style.license)),
    )
