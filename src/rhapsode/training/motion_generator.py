"""Train the Motion Generator on clips of talking faces.

    rhapsode train motion-generator --data DATA --out MODEL

Such clips are few. So its sound features come from an audio encoder that was trained on speech alone
(`training.audio_encoder`), and it also learns from speech without video, for which a teacher makes the motion
(`training.motion_teacher`). Recordings whose sound and lips are out of sync do harm; preparation has corrected their
offset (`data.prepare`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from rhapsode.data.motion_windows import WindowBatch, WindowSampler, align_clip
from rhapsode.data.speech import read_speech
from rhapsode.data.store import PreparedClip, open_store
from rhapsode.files import atomic_write
from rhapsode.metrics.landmarks import lmd
from rhapsode.metrics.mouth import opening_correlation, opening_spread_ratio
from rhapsode.models.audio_encoder import AudioEncoder, OnlineMeanNormalization
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.models.motion_loss import expression_basis, motion_loss
from rhapsode.motion.dims import GeneratorDims
from rhapsode.progress import Progress, no_progress
from rhapsode.training.loop import Loop, fit
from rhapsode.training.motion_teacher import TaughtSpeech, train_teacher
from rhapsode.training.run import Run, describe_clips
from rhapsode.training.speech_store import prepare_speech
from rhapsode.training.teacher import teacher_file


@dataclass(frozen=True)
class MotionGeneratorRecipe:
    """Settings of a training of the Motion Generator."""

    data: Path
    """Folder of clips, or a prepared store of them."""
    out: Path
    """Model folder; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run; not used where `data` is a store."""
    encoder: Path | None = None
    """Weights of the audio encoder to start from; without one the input is log-mel."""
    dims: GeneratorDims = field(default_factory=GeneratorDims)
    """Sizes of the generator; those of the encoder come with its weights."""
    speech: tuple[Path, ...] = ()
    """Folders of speech without video, to learn from through a teacher of motion; needs the extra `teacher`."""
    speech_store: Path = Path("stores/speech")
    """Folder of prepared speech, filled on the first run."""
    teacher_loop: Loop = field(default_factory=lambda: Loop(steps=300, check_every=50))
    """How the teacher of motion is trained; its seed and threads are those of `loop`."""
    tune_encoder: bool = True
    """Train the encoder further."""
    batch: int = 32
    """Windows a step; half of them are speech without video where there is some."""
    frames: int = 120
    """Length of a window, in frames of 1/60 s."""
    loop: Loop = field(default_factory=lambda: Loop(steps=450, check_every=50))
    """How the training runs."""


@torch.inference_mode()
def score(generator: MotionGenerator, clips: Sequence[PreparedClip]) -> dict[str, dict[str, float]]:
    """Score clips one by one: name -> opening correlation, spread ratio, LMD (canonical units).

    This compares weights with one another during a training. `rhapsode evaluate motion` scores the engine that ships.
    """
    device = next(generator.parameters()).device
    scores = {}
    for clip in clips:
        aligned = align_clip(clip)
        generated = generator(torch.from_numpy(aligned.features)[None].to(device))[0].cpu().numpy()
        face = aligned.rest
        scores[clip.clip.name] = {
            "mouth_opening_corr": opening_correlation(generated + face, aligned.expression + face),
            "opening_std_ratio": opening_spread_ratio(generated + face, aligned.expression + face),
            "lmd": lmd(generated, aligned.expression),
        }
    return scores


def train(recipe: MotionGeneratorRecipe, progress: Progress = no_progress) -> Path:
    """Run the recipe.

    Returns:
        The weights, a file of the model.

    Raises:
        DataError: there is nothing to learn from, or the model folder holds a training with other settings.
        WeightsError: the encoder cannot be used, or the teacher is needed and not installed.
    """
    store = open_store(recipe.data, recipe.store, progress)
    val = [store.load(entry) for entry in store.entries if entry.split == "val"]
    sampler = WindowSampler(store, recipe.frames)
    spoken = [utterance for folder in recipe.speech for utterance in read_speech(folder)]
    # What can be refused is refused before the run has a folder.
    if spoken:
        teacher_file()
    generator = make_generator(recipe, sampler)
    run = Run.open(recipe, "motion_generator")
    filmed, unfilmed = partial(sampler.batch, recipe.batch), None
    if spoken:
        teaching = replace(recipe.teacher_loop, seed=recipe.loop.seed, threads=recipe.loop.threads)
        teacher = train_teacher(store, val, recipe.dims.components, teaching, run.folder, progress)
        files = prepare_speech(spoken, recipe.speech_store, True, progress)
        speech = TaughtSpeech([path for _, path in files], teacher, recipe.frames)
        unfilmed = partial(speech.batch, recipe.batch // 2)
        filmed = partial(sampler.batch, recipe.batch - recipe.batch // 2)

    def draw(rng: torch.Generator) -> WindowBatch:
        seen = filmed(rng)
        return WindowBatch(*map(torch.cat, zip(seen, unfilmed(rng), strict=True))) if unfilmed else seen

    def loss(module: nn.Module, batch: WindowBatch) -> dict[str, torch.Tensor]:
        return {"l_mg": motion_loss(module(batch.features), batch.expression, batch.real)}

    def check(module: MotionGenerator) -> dict[str, float]:
        scores = list(score(module, val).values())
        names = scores[0] if scores else {}
        return {f"val_{name}": float(np.mean([each[name] for each in scores])) for name in names}

    generator = fit(run.name, generator, draw, loss, check, recipe.loop, run.folder, progress)
    generator.save(run.path("motion_generator.safetensors"))
    held_out = [store.load(entry) for entry in store.entries if entry.split not in ("train", "val")] + val
    scores = json.dumps(score(generator, held_out), indent=1) + "\n"
    atomic_write(run.folder / "scores.json", scores.encode())
    learnt = [entry for entry in store.entries if entry.split == "train"]
    licenses = [entry.license for entry in learnt] + [utterance.license for utterance in spoken]
    data = describe_clips(learnt) + (f"; {len(spoken)} recordings of speech without video" if spoken else "")
    return run.finish(["motion_generator.safetensors"], licenses, data)


def make_generator(recipe: MotionGeneratorRecipe, sampler: WindowSampler) -> MotionGenerator:
    """Build an untrained generator with its audio encoder and its basis of expressions."""
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
