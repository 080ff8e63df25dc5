"""Every training: its recipe, the function that runs it, and its named configurations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rhapsode.training import (
    audio_encoder,
    expression_basis,
    expression_network,
    feature_generator,
    furrows,
    head_motion,
    head_shape,
    key_motions,
    mean_face,
    motion_generator,
    paper,
    replay,
    style_aware_generator,
    voice_gate,
)


@dataclass(frozen=True)
class Training:
    """One training.

    Attributes:
        recipe: dataclass of its settings; each field's docstring says what it is.
        run: trains by a recipe, watched by a `Progress`, and returns the path of the weights.
        help: what it makes, in one line.
        configs: named configurations: the fields that differ from the recipe's defaults.
    """

    recipe: type
    run: Callable[..., Path]
    help: str
    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"default": {}})


TRAININGS: Mapping[str, Training] = {
    "audio-encoder": Training(
        audio_encoder.AudioEncoderRecipe,
        audio_encoder.train,
        "Train the audio encoder, which makes phonetic features of sound, on speech alone.",
        {"default": {}, "paper": paper.AUDIO_ENCODER},
    ),
    "motion-generator": Training(
        motion_generator.MotionGeneratorRecipe,
        motion_generator.train,
        "Train the published Motion Generator, which turns sound into lip and face motion.",
        {"default": {}, "paper": paper.MOTION_GENERATOR},
    ),
    "feature-generator": Training(
        feature_generator.FeatureGeneratorRecipe,
        feature_generator.train,
        "Train the Motion Generator that ships, on features of the windowed encoder.",
    ),
    "style-aware-generator": Training(
        style_aware_generator.StyleAwareGeneratorRecipe,
        style_aware_generator.train,
        "Train Style Mapping and the Style-Aware Generator, which paint the mouth.",
        {"default": {}, "paper": paper.STYLE_AWARE_GENERATOR},
    ),
    "head-motion": Training(
        head_motion.HeadMotionRecipe, head_motion.train, "Fit the head model, and measure how often people blink."
    ),
    "voice-gate": Training(
        voice_gate.VoiceGateRecipe,
        voice_gate.train,
        "Train the voice gate, which tells voices from music and noise, on mixtures.",
    ),
    "expression-basis": Training(
        expression_basis.ExpressionBasisRecipe,
        expression_basis.train,
        "Learn from a face model how each unit of expression moves the tracker's points.",
    ),
    "head-shape": Training(
        head_shape.HeadShapeRecipe, head_shape.train, "Learn from a face model which head belongs to a face."
    ),
    "furrows": Training(
        furrows.FurrowsRecipe,
        furrows.train,
        "Learn how each unit of expression shades the skin, from pictures, films and a face model.",
    ),
    "expression-network": Training(
        expression_network.ExpressionNetworkRecipe,
        expression_network.train,
        "Distil the network that reads expressions off faces from a larger one.",
    ),
    "mean-face": Training(
        mean_face.MeanFaceRecipe,
        mean_face.train,
        "Average the resting faces of speakers, which defines canonical space.",
    ),
    "key-motions": Training(
        key_motions.KeyMotionsRecipe, key_motions.train, "Learn the four key motions from clips whose words are timed."
    ),
    "replay": Training(
        replay.ReplayRecipe,
        replay.train,
        "Make the replay set that learning a style needs; each generator has its own.",
    ),
}
"""Trainings by the name of their command."""
