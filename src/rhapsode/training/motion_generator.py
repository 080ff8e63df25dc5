"""Train the Motion Generator on talking-face clips.

    rhapsode train motion-generator --data DATA --out RUN

Clips with a face are few. So it hears through an audio encoder that was trained on speech alone
(`training.audio_encoder`), and learns from speech without pictures besides, for which a teacher makes the motion
(`training.motion_teacher`). Recordings whose sound and lips are out of step do harm; preparation has put them in step
(`data.prepare`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rhapsode.data.motion_windows import WindowSampler, align_clip
from rhapsode.data.speech import read_speech
from rhapsode.data.store import PreparedClip, open_store
from rhapsode.metrics.landmarks import lmd
from rhapsode.metrics.mouth import opening_correlation, opening_spread_ratio
from rhapsode.models.audio_encoder import AudioEncoder, OnlineMeanNormalization
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.models.motion_loss import expression_basis, motion_loss
from rhapsode.motion.dims import GeneratorDims
from rhapsode.progress import no_progress
from rhapsode.training.audio_encoder import prepare_speech
from rhapsode.training.loop import Loop, Progress, fit, open_run
from rhapsode.training.motion_teacher import TaughtSpeech, train_teacher
from rhapsode.training.teacher import teacher_file


@dataclass(frozen=True)
class MotionGeneratorRecipe:
    """Every setting of a training."""

    data: Path
    """Folder of clips, raw or prepared."""
    out: Path
    """Folder for weights, checkpoints and logs; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run, where `data` is not one itself."""
    encoder: Path | None = None
    """Weights of the audio encoder to hear through; without one the generator hears log-mel."""
    dims: GeneratorDims = field(default_factory=GeneratorDims)
    """Sizes; those of the encoder come with its weights."""
    speech: tuple[Path, ...] = ()
    """Folders of speech without pictures, to learn from through a teacher of motion; none for clips alone."""
    speech_store: Path = Path("stores/speech")
    """Folder of prepared speech, filled on the first run."""
    teacher_loop: Loop = field(default_factory=lambda: Loop(steps=300, check_every=50))
    """How the teacher of motion is trained; seed and threads are those of `loop`."""
    tune_encoder: bool = True
    """Whether the encoder learns on."""
    batch: int = 32
    """Windows a step; half of them of speech without pictures where there is some."""
    frames: int = 120
    """Length of a window, in frames of 1/60 s."""
    loop: Loop = field(default_factory=Loop)


@torch.inference_mode()
def evaluate(generator: MotionGenerator, clips: Sequence[PreparedClip]) -> dict[str, dict[str, float]]:
    """Score clips one by one: name -> opening correlation, spread ratio, LMD (canonical units)."""
    device = next(generator.parameters()).device
    scores = {}
    for clip in clips:
        heard = align_clip(clip)
        generated = generator(torch.from_numpy(heard.features)[None].to(device))[0].cpu().numpy()
        face = heard.rest
        scores[clip.clip.name] = {
            "mouth_opening_corr": opening_correlation(generated + face, heard.expression + face),
            "opening_std_ratio": opening_spread_ratio(generated + face, heard.expression + face),
            "lmd": lmd(generated, heard.expression),
        }
    return scores


def train(recipe: MotionGeneratorRecipe, progress: Progress | None = None) -> Path:
    """Run the recipe; returns the path of the weights.

    Args:
        recipe: every setting.
        progress: called now and then with (stage, done, in all).

    Raises:
        DataError: if there is nothing to learn from, or `recipe.out` holds a run of other settings.
        WeightsError: if the teacher is wanted and not installed.
    """
    store = open_store(recipe.data, recipe.store, progress or no_progress)
    judged_by = [store.load(entry) for entry in store.entries if entry.split == "val"]
    sampler = WindowSampler(store, recipe.frames)
    spoken = [utterance for folder in recipe.speech for utterance in read_speech(folder)]
    # What can be refused is refused before the run has a folder.
    if spoken:
        teacher_file()
    generator = make_generator(recipe, sampler)
    open_run(recipe, recipe.out)
    filmed, unfilmed = partial(sampler.batch, recipe.batch), None
    if spoken:
        teaching = replace(recipe.teacher_loop, seed=recipe.loop.seed, threads=recipe.loop.threads)
        teacher = train_teacher(store, judged_by, recipe.dims.components, teaching, recipe.out, progress)
        files = prepare_speech(spoken, recipe.speech_store, True, progress and partial(progress, "speech"))
        speech = TaughtSpeech([path for _, path in files], teacher, recipe.frames)
        unfilmed = partial(speech.batch, recipe.batch // 2)
        filmed = partial(sampler.batch, recipe.batch - recipe.batch // 2)

    def draw(rng: torch.Generator) -> tuple[Tensor, ...]:
        seen = filmed(rng)
        return tuple(map(torch.cat, zip(seen, unfilmed(rng), strict=True))) if unfilmed else seen

    def loss(module: nn.Module, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        mel, expression, real = batch
        return {"l_mg": motion_loss(module(mel), expression, real)}

    def check(module: MotionGenerator) -> dict[str, float]:
        scores = list(evaluate(module, judged_by).values())
        names = scores[0] if scores else {}
        return {f"val_{name}": float(np.mean([each[name] for each in scores])) for name in names}

    generator = fit("motion_generator", generator, draw, loss, check, recipe.loop, recipe.out, progress)
    weights = recipe.out / "motion_generator.safetensors"
    generator.save(weights)
    held_out = [store.load(entry) for entry in store.entries if entry.split not in ("train", "val")] + judged_by
    (recipe.out / "scores.json").write_text(json.dumps(evaluate(generator, held_out), indent=1) + "\n")
    return weights


def make_generator(recipe: MotionGeneratorRecipe, sampler: WindowSampler) -> MotionGenerator:
    """An untrained generator with its ear and its basis."""
    torch.manual_seed(recipe.loop.seed)
    mels, expressions = sampler.sample()
    encoder = AudioEncoder.load(recipe.encoder) if recipe.encoder else None
    generator = MotionGenerator(replace(recipe.dims, encoder=encoder.dims if encoder else None))
    if encoder:
        generator.audio_encoder.load_state_dict(encoder.state_dict())
        generator.audio_encoder.requires_grad_(recipe.tune_encoder)
    elif isinstance(generator.audio_encoder, OnlineMeanNormalization):
        generator.audio_encoder.fit(torch.from_numpy(mels))
    generator.basis.copy_(torch.from_numpy(expression_basis(expressions, recipe.dims.components)))
    return generator
