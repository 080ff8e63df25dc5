"""Train the voice gate on the audio encoder's features of mixtures.

rhapsode train voice-gate --speech SPEECH --encoder AUDIO_ENCODER.onnx --out MODEL

It hears speech, whispers and songs made of speech, over music, noise and babble (`gate_scenes`), in the encoder's
setting for live sound and in that for files. Nothing is learnt from whoever `held_out` names.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from rhapsode.audio.voice_gate import FILE, LEAD
from rhapsode.bundle import sha256_of
from rhapsode.data.speech import Utterance, read_speech
from rhapsode.errors import DataError
from rhapsode.models.voice_gate import TorchVoiceGate
from rhapsode.motion.windowed_encoder import WindowedEncoder
from rhapsode.progress import Progress, no_progress
from rhapsode.training.encoded_scenes import EncodedScene, encoded_scenes
from rhapsode.training.loop import Loop, fit
from rhapsode.training.run import Run

#: One speaker in so many is held out for checks and evaluation.
_HELD_OUT = 6
#: Number of the first scene of the checks.
_CHECKS = 10**6
#: Frames of a window that do not count, while the gate finds its feet.
_WARM_UP = 6


@dataclass(frozen=True)
class VoiceGateRecipe:
    """Settings of the voice gate."""

    speech: tuple[Path, ...]
    """Folders of speech: LibriSpeech, Common Voice, or one with a speech.csv."""
    encoder: Path
    """The audio encoder (ONNX) whose features it reads."""
    out: Path
    """Model folder; made where missing."""
    store: Path = Path("stores/voice-gate")
    """Folder of encoded scenes, filled on the first run."""
    scenes: int = 600
    """Scenes to learn from; a twentieth as many are added for the checks."""
    seconds: float = 12.0
    """Length of a scene."""
    width: int = 32
    """Width of the recurrent layer, and of what it hears."""
    batch: int = 16
    """Windows a step."""
    frames: int = 360
    """Motion frames (1/60 s) of a window."""
    loop: Loop = field(default_factory=lambda: Loop(steps=1200, learning_rate=3e-3, weight_decay=0.05))
    """How the training runs."""


class _Batch(NamedTuple):
    """Features (B, T, F), and whether a voice sounds `LEAD` frames later, (B, T)."""

    features: Tensor
    voice: Tensor


def held_out(speaker: str) -> bool:
    """Tell whether nothing is learnt from a speaker."""
    return int(hashlib.sha256(speaker.encode()).hexdigest(), 16) % _HELD_OUT == 0


def train(recipe: VoiceGateRecipe, progress: Progress = no_progress) -> Path:
    """Run the recipe.

    Returns:
        The weights, a file of the model.

    Raises:
        DataError: there is no speech, too few people speak, or the model folder holds a training with other settings.
        WeightsError: the encoder is missing or damaged.
    """
    spoken = [one for folder in recipe.speech for one in read_speech(folder)]
    learnt = [one for one in spoken if not held_out(one.speaker)]
    checked = [one for one in spoken if held_out(one.speaker)]
    if not learnt or not checked:
        raise DataError("the speech is of too few people", "add recordings of others", "too-few-speakers")
    WindowedEncoder.load(recipe.encoder)  # refused now if it is no encoder
    run = Run.open(recipe, "voice_gate")

    def scenes(numbers: range, people: Sequence[Utterance]) -> list[EncodedScene]:
        return encoded_scenes(recipe.encoder, people, numbers, recipe.seconds, recipe.store, progress)

    heard = scenes(range(recipe.scenes), learnt)
    checks = scenes(range(_CHECKS, _CHECKS + max(recipe.scenes // 20, 1)), checked)
    torch.manual_seed(recipe.loop.seed)
    gate = fit(
        "voice_gate",
        TorchVoiceGate(heard[0].features.shape[1], recipe.width),
        partial(_draw, heard, recipe.batch, recipe.frames),
        _loss,
        partial(check, checks),
        recipe.loop,
        run.folder,
        progress,
    )
    gate.save(run.path(FILE), sha256_of(recipe.encoder))
    hours = recipe.scenes * recipe.seconds / 3600
    people = len({one.speaker for one in learnt})
    data = f"{recipe.scenes} scenes, {hours:.1f} h: {people} speakers over made-up music and noise"
    return run.finish([FILE], {one.license for one in learnt}, data)


def _draw(scenes: Sequence[EncodedScene], batch: int, frames: int, rng: torch.Generator) -> _Batch:
    features, voice = [], []
    for row in torch.randint(len(scenes), (batch,), generator=rng).tolist():
        scene = scenes[row]
        room = len(scene.features) - frames - LEAD
        start = int(torch.randint(max(room, 0) + 1, (1,), generator=rng))
        features.append(torch.from_numpy(scene.features[start : start + frames].astype(np.float32)))
        voice.append(torch.from_numpy(scene.voice[start + LEAD : start + frames + LEAD].astype(np.float32)))
    return _Batch(torch.stack(features), torch.stack(voice))


def _loss(gate: nn.Module, batch: _Batch) -> dict[str, Tensor]:
    logits = gate(batch.features)[:, _WARM_UP:]
    return {"voice": binary_cross_entropy_with_logits(logits, batch.voice[:, _WARM_UP:])}


@torch.inference_mode()
def check(scenes: Sequence[EncodedScene], gate: nn.Module) -> dict[str, float]:
    """Count moments: `right`, the mean of the shares found with and without a voice; `missed`; `false`."""
    device = next(gate.parameters()).device
    missed = voiced = false = silent = 0
    for scene in scenes:
        logits = gate(torch.from_numpy(scene.features[:-LEAD].astype(np.float32))[None].to(device))[0]
        told, voice = (logits > 0).cpu().numpy(), scene.voice[LEAD:]
        missed, voiced = missed + int((voice & ~told).sum()), voiced + int(voice.sum())
        false, silent = false + int((told & ~voice).sum()), silent + int((~voice).sum())
    shares = missed / max(voiced, 1), false / max(silent, 1)
    return {"right": 1 - sum(shares) / 2, "missed": shares[0], "false": shares[1]}
