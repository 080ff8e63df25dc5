"""The `paper` configuration: what the recipes change at full size, for VoxCeleb2, Common Voice and several GPUs.

arXiv 2303.09799: Adam at 1e-4, batches of 64, 60 motion frames a second; APC as in "Live Speech Portraits" (2021),
three GRUs of 512. Each dictionary holds fields of a recipe; `docs/training.md` has the commands.
"""

from dataclasses import replace
from typing import Any

from rhapsode.models.style_aware_generator import PictureDims
from rhapsode.motion.dims import EncoderDims, GeneratorDims
from rhapsode.render.mouth_window import WindowSize
from rhapsode.training.loop import Loop

LOOP = Loop(
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

AUDIO_ENCODER: dict[str, Any] = {"dims": EncoderDims(hidden=512, layers=3), "batch": 64, "loop": LOOP}

MOTION_GENERATOR: dict[str, Any] = {
    "dims": GeneratorDims(hidden=512, layers=3, components=64, encoder=EncoderDims(hidden=512, layers=3)),
    "batch": 64,
    "frames": 240,
    "loop": LOOP,
    "teacher_loop": replace(LOOP, steps=20_000, learning_rate=3e-4, devices=1),
}

#: Whole heads of 512 pixels, with learnt keypoints, in batches of 8.
STYLE_AWARE_GENERATOR: dict[str, Any] = {
    "dims": PictureDims(
        window=WindowSize(side=512, width=2.6, below_nose=-0.1),
        widths=(48, 96, 192, 384, 512, 512),
        mapping_widths=(48, 96, 192, 384, 512, 512),
        warped=64,
        keypoints=20,
        known=64,
    ),
    "portraits": 1,
    "frames": 8,
    "discriminator_width": 64,
    "loop": replace(LOOP, learning_rate=1e-5),
}
