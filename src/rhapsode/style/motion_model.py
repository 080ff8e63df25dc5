"""The models that move a face, changed by a style."""

from rhapsode.audio.projection import FeatureBank
from rhapsode.motion.head import HeadModel
from rhapsode.motion.model import SpeechModel
from rhapsode.motion.stream import StyledMotionModel
from rhapsode.style.style import Style


def styled_motion_model(
    speech: SpeechModel, head: HeadModel, style: Style | None = None, strength: float = 1.0
) -> StyledMotionModel:
    """Change the models by a style.

    Up to strength 1 the changes of the weights are scaled. Above it the motion is extrapolated, not the weights:
    extrapolated weights move the face twice as fast. Whatever the style, lips close where they do without it.

    Args:
        speech: audio encoder, and Motion Generator without style.
        head: head model without style.
        style: one made for this generator; None leaves the models as they are.
        strength: 0 none, 1 as learnt, up to 1.5 extrapolated.

    Raises:
        StyleError: the style was made for another generator, or the strength is out of range.
    """
    if style is None:
        return StyledMotionModel(speech.encoder, speech.generator, head, speech.gate)
    scaled = style.scaled(strength)
    styled = style if strength > 1 else scaled
    return StyledMotionModel(
        speech.encoder,
        styled.apply(speech.generator),
        scaled.move_head(head),
        speech.gate,
        speech.generator if style.delta else None,
        max(strength - 1, 0.0),
        None if styled.bank is None else FeatureBank(styled.bank),
        styled.projection,
        scaled.units,
        scaled.response,
        scaled.blink_rate_scale,
    )
