"""The layers of a portrait's mouth, as a video shows it."""

from rhapsode.paint.painter import MouthPainter
from rhapsode.render.anatomy import Anatomy
from rhapsode.render.grain import Grain
from rhapsode.render.interior import MouthInterior
from rhapsode.render.layers import Layer
from rhapsode.render.portrait import MeasuredPortrait


def mouth_layers(portrait: MeasuredPortrait, painter: MouthPainter | None = None, *, teeth: bool = True) -> list[Layer]:
    """Choose what is drawn over a portrait's mouth, for `Renderer`.

    Args:
        portrait: whom to draw.
        painter: adds what the networks paint; without it, the inside of the mouth stays as the renderer draws it.
        teeth: whether a mouth whose teeth no picture shows has any.
    """
    layers: list[Layer] = [MouthInterior.of(portrait)]
    if painter is not None:
        layers.append(painter)
    if teeth and (painter.needs_synthetic_teeth if painter else not portrait.rig.curves.show_teeth):
        layers.append(Anatomy(portrait))
    if not portrait.rig.lips.is_open:
        layers.append(Grain(portrait))
    return layers
