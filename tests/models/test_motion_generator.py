from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from rhapsode.audio.mel import LOG_FLOOR, log_mel
from rhapsode.audio.projection import FeatureBank
from rhapsode.bundle import Bundle
from rhapsode.data.loudness import normalise_loudness
from rhapsode.errors import WeightsError
from rhapsode.face.geometry import mean_face
from rhapsode.face.landmarks import EYES
from rhapsode.face.mouth import lip_distance
from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import Waveform, resample
from rhapsode.models.motion_generator import GeneratorState, MotionGenerator
from rhapsode.motion.dims import EncoderDims, GeneratorDims


@pytest.fixture(scope="module")
def shipped() -> MotionGenerator:
    path = Bundle.load().path("motion_generator.safetensors")
    return MotionGenerator.load(path)


@pytest.fixture(scope="module")
def sentence() -> Waveform:
    return resample(synthesise("Maybe my mother bought a big apple pie today."), 16000)


def generate(generator: MotionGenerator, sound: Waveform) -> np.ndarray:
    """Offsets for a whole sound, (T, 68, 3)."""
    with torch.inference_mode():
        return generator(log_mel_of(sound)[None])[0].numpy()


def log_mel_of(sound: Waveform) -> torch.Tensor:
    return torch.from_numpy(log_mel(normalise_loudness(sound).samples))


def test_motion_comes_at_sixty_a_second_for_the_whole_sound(shipped: MotionGenerator, sentence: Waveform) -> None:
    offsets = generate(shipped, sentence)
    assert offsets.shape == (int(np.ceil(len(sentence.samples) * 60 / 16000)), 68, 3)
    assert offsets.dtype == np.float32 and np.isfinite(offsets).all()


def test_the_mouth_opens_and_closes_while_a_sentence_is_spoken(shipped: MotionGenerator, sentence: Waveform) -> None:
    opening = lip_distance(generate(shipped, sentence) + mean_face())
    assert opening.max() > 0.1 and opening.min() < 0.04
    assert (np.diff(np.sign(opening - 0.06)) != 0).sum() >= 6


def test_eyelids_do_not_move(shipped: MotionGenerator, sentence: Waveform) -> None:
    assert np.abs(generate(shipped, sentence)[:, EYES]).max() == 0


def test_sound_beyond_the_look_ahead_changes_nothing(shipped: MotionGenerator) -> None:
    mel = torch.randn(1, 240, 80, generator=torch.Generator().manual_seed(0)) - 6
    changed = mel.clone()
    changed[:, 160:] += 3  # from motion frame 80 on
    with torch.inference_mode():
        difference = (shipped(mel) - shipped(changed)).abs().amax((0, 2, 3))
    ahead = shipped.dims.look_ahead
    assert (ahead + 1) / 60 <= 0.2, "seconds of look-ahead"
    assert difference[: 80 - ahead].max() == 0
    assert difference[80 - ahead :].max() > 0


def test_a_stream_in_chunks_of_40_ms_moves_as_the_whole_does(shipped: MotionGenerator) -> None:
    mel = 2 * torch.randn(1, 1200, 80, generator=torch.Generator().manual_seed(0)) - 8
    ahead = shipped.dims.look_ahead
    fed = torch.cat([mel, mel.new_full((1, 2 * ahead, 80), LOG_FLOOR)], 1)
    # 40 ms are 2.4 motion frames: two and three by turns.
    borders = [2 * round(2.4 * n) for n in range(fed.shape[1])]
    state: GeneratorState | None = None
    parts = []
    with torch.inference_mode():
        for first, last in pairwise(borders):
            if first < fed.shape[1]:
                part, state = shipped.step(fed[:, first:last], state)
                parts.append(part)
        assert (torch.cat(parts, 1)[:, ahead:] - shipped(mel)).abs().max() < 1e-4


def test_a_bank_of_the_voice_itself_hardly_changes_how_it_moves(sentence: Waveform) -> None:
    torch.manual_seed(0)
    dims = GeneratorDims(hidden=8, layers=1, components=3, encoder=EncoderDims(hidden=8, layers=1))
    generator = MotionGenerator(dims).eval()
    generator.basis.normal_()
    mel = log_mel_of(sentence)
    with torch.inference_mode():
        features = generator.encode(mel[None])[0][0].numpy()
    engine = generator.to_numpy()
    plain, _ = engine.step(mel.numpy())
    own, strange = FeatureBank(features), FeatureBank(np.zeros((10, 8), np.float32))
    assert np.abs(engine.step(mel.numpy(), None, own, 1.0)[0] - plain).max() < 0.1 * np.abs(plain).max()
    assert np.abs(engine.step(mel.numpy(), None, strange, 1.0)[0] - plain).max() > 0.1 * np.abs(plain).max()
    assert np.abs(engine.step(mel.numpy(), None, strange, 0.0)[0] - plain).max() < 1e-6


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    torch.manual_seed(0)
    dims = GeneratorDims(hidden=8, layers=1, components=3, look_ahead=2, encoder=EncoderDims(hidden=8, layers=1))
    generator = MotionGenerator(dims).eval()
    generator.basis.normal_()
    generator.save(tmp_path / "g.safetensors")
    again = MotionGenerator.load(tmp_path / "g.safetensors")
    mel = torch.randn(1, 20, 80)
    assert again.dims == generator.dims
    assert (again(mel) - generator(mel)).abs().max() < 5e-3, "half precision"


def test_a_missing_damaged_or_foreign_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "damaged.safetensors").write_bytes(b"\0" * 1000)
    save_file({"x": torch.zeros(3)}, tmp_path / "foreign.safetensors", {"dims": "{}"})
    save_file({"x": torch.zeros(3)}, tmp_path / "bare.safetensors")
    for name in ("missing", "damaged", "foreign", "bare"):
        with pytest.raises(WeightsError, match=rf"{name}\.safetensors"):
            MotionGenerator.load(tmp_path / f"{name}.safetensors")
