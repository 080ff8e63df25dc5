"""The `paper` configuration: the recipes at full size, for VoxCeleb2, Common Voice and several GPUs.

arXiv 2303.09799: Adam at 1e-4, batches of 64, 60 motion frames a second; APC as in "Live Speech Portraits" (2021),
three GRUs of 512. The same code as the default, with larger numbers; `docs/training.md` has the commands.
"""

from dataclasses import replace

from rhapsode.models.style_aware_generator import PictureDims
from rhapsode.motion.dims import EncoderDims, GeneratorDims
from rhapsode.render.mouth_window import WindowSize
from rhapsode.training.audio_encoder import AudioEncoderRecipe
from rhapsode.training.loop import Loop
from rhapsode.training.motion_generator import MotionGeneratorRecipe
from rhapsode.training.style_aware_generator import StyleAwareGeneratorRecipe

_LOOP = Loop(
    steps=200_000,
    learning_rate=1e-4,
    averaging=0.9995,
    check_every=1000,
    threads=8,
    readers=6,
    accelerator="cuda",
    devices=4,
    precision="bf16-mixed",
)


def audio_encoder(recipe: AudioEncoderRecipe) -> AudioEncoderRecipe:
    """The recipe of the audio encoder at full size."""
    return replace(recipe, dims=EncoderDims(hidden=512, layers=3), batch=64, loop=_LOOP)


def motion_generator(recipe: MotionGeneratorRecipe) -> MotionGeneratorRecipe:
    """The recipe of the Motion Generator at full size."""
    dims = GeneratorDims(hidden=512, layers=3, components=64, encoder=EncoderDims(hidden=512, layers=3))
    teaching = replace(_LOOP, steps=20_000, learning_rate=3e-4, devices=1)
    return replace(recipe, dims=dims, batch=64, frames=240, loop=_LOOP, teacher_loop=teaching)


def style_aware_generator(recipe: StyleAwareGeneratorRecipe) -> StyleAwareGeneratorRecipe:
    """The recipe of Style Mapping and Style-Aware Generator at full size: whole heads of 512 pixels, batches of 8."""
    dims = PictureDims(
        window=WindowSize(side=512, width=2.6, below_nose=-0.1),
        widths=(48, 96, 192, 384, 512, 512),
        mapping_widths=(48, 96, 192, 384, 512, 512),
        warped=64,
        keypoints=20,
        known=64,
    )
    loop = replace(_LOOP, learning_rate=1e-5)
    return replace(recipe, dims=dims, portraits=1, frames=8, discriminator_width=64, loop=loop)
