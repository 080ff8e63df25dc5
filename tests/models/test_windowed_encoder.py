from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rhapsode.audio.whisper_mel import SILENCE, whisper_mel
from rhapsode.errors import WeightsError
from rhapsode.models.windowed_encoder import WindowedEncoder, periodic_positions
from rhapsode.models.windowed_export import export, round_blocks
from rhapsode.models.windowed_restore import restore
from rhapsode.motion.dims import WindowedDims
from rhapsode.motion.windowed_encoder import WindowedEncoder as EncoderModel
from rhapsode.motion.windowed_encoder import to_motion_rate

DIMS = WindowedDims(width=16, heads=2, ahead=(2, 0, 1), ahead_wide=(4, 4, 4), back=9, period=50)


@pytest.fixture
def encoder() -> WindowedEncoder:
    torch.manual_seed(0)
    return WindowedEncoder(DIMS).eval()


def _sound() -> np.ndarray:
    """A second of noise and half a second of silence."""
    noise = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    return np.concatenate([noise, np.zeros(8000, np.float32)])


@torch.inference_mode()
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("frames", [1, 2, 5])
def test_chunk_by_chunk_is_the_same_as_whole_over_more_than_a_period(
    encoder: WindowedEncoder, wide: bool, frames: int
) -> None:
    mel = torch.rand(1, 300, 80)
    ahead = sum(DIMS.ahead_wide if wide else DIMS.ahead)
    whole = encoder(torch.cat([mel, torch.full((1, 2 * ahead + 2, 80), SILENCE)], 1), wide)[:, :150]
    arriving = torch.cat([torch.full((1, 1, 80), SILENCE), mel, torch.full((1, 60, 80), SILENCE)], 1)
    state, made = encoder.start(1, wide), []
    for first in range(0, arriving.shape[1] - 2 * frames, 2 * frames):
        features, state = encoder.step(arriving[:, first : first + 2 * frames], state)
        made.append(features)
    streamed = torch.cat(made, 1)[:, 1 + ahead :][:, :150]
    torch.testing.assert_close(streamed, whole, atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_sound_beyond_the_look_ahead_changes_nothing(encoder: WindowedEncoder) -> None:
    mel = torch.rand(1, 100, 80)
    other = mel.clone()
    other[:, 60:] += 1
    changed = (encoder(mel) != encoder(other)).any(-1)[0]
    # Feature 30 is made of frames 60 and 61; the front sees one frame on, attention three features.
    assert not changed[: 30 - 3 - 1].any() and changed[30 - 3 - 1]
    assert DIMS.look_ahead() == pytest.approx(0.0925)


def test_the_shipped_setting_looks_ahead_by_112_ms() -> None:
    assert WindowedDims().look_ahead() == pytest.approx(0.1125)


def test_positions_join_their_beginning() -> None:
    positions = periodic_positions(16, 50)
    after_a_period = positions[0] * 0
    for column in range(8):
        turn = torch.atan2(positions[1, column], positions[1, 8 + column])
        after_a_period[column], after_a_period[8 + column] = torch.sin(turn * 50), torch.cos(turn * 50)
    torch.testing.assert_close(positions[0], after_a_period, atol=1e-4, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize("wide", [False, True])
def test_the_exported_step_computes_what_torch_does(encoder: WindowedEncoder, wide: bool, tmp_path: Path) -> None:
    model = EncoderModel.load(export(encoder, tmp_path / "encoder.onnx", rounded=False), wide)
    sound, stream = _sound(), model.start()
    parts = [one for first in range(0, 24000, 700) for one in stream.push(sound[first : first + 700])]
    streamed = np.stack(parts)[:60]
    np.testing.assert_array_equal(streamed, np.stack(list(model.start().push(sound)))[:60])
    expected = encoder(torch.from_numpy(whisper_mel(sound))[None], wide)[0].numpy()
    np.testing.assert_allclose(streamed, to_motion_rate(expected, 60), atol=2e-3)
    np.testing.assert_allclose(model.encode(whisper_mel(sound))[:50], expected[:50], atol=2e-3)


@torch.inference_mode()
def test_four_bits_change_features_little(tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = WindowedEncoder(replace(DIMS, width=128, heads=4)).eval()
    path = export(encoder, tmp_path / "encoder.onnx")
    assert path.stat().st_size < export(encoder, tmp_path / "half.onnx", rounded=False).stat().st_size
    made = load_or_skip(path).encode(whisper_mel(_sound()))
    expected = encoder(torch.from_numpy(whisper_mel(_sound()))[None])[0].numpy()
    assert 0 < np.abs(made - expected).mean() < 0.2 * expected.std()


def test_an_encoder_read_back_from_four_bits_is_the_one_that_was_exported(tmp_path: Path) -> None:
    torch.manual_seed(3)
    encoder = WindowedEncoder(replace(DIMS, width=128)).eval()
    with torch.no_grad():  # arrays that are alike would be stored once
        for value in [*encoder.parameters(), encoder.mean, encoder.std]:
            value.add_(0.01 * torch.randn_like(value))
    restored = restore(export(encoder, tmp_path / "encoder.onnx"))
    mel = torch.randn(1, 60, 80) * 0.3
    with torch.inference_mode():
        wanted, made = encoder(mel, True), restored(mel, True)
    assert float((made - wanted).abs().mean()) < 0.2 * float(wanted.std())


def test_no_weight_is_rounded_by_more_than_half_a_step() -> None:
    blocks = np.random.default_rng(0).normal(size=(5, 3, 32)).astype(np.float32)
    codes, scales = round_blocks(blocks)
    assert codes.max() <= 15
    error = np.abs((codes.astype(np.float32) - 8) * scales[..., None] - blocks)
    assert np.median(error) < 0.1
    inside = np.abs(blocks) < 7 * np.abs(scales)[..., None]
    assert (error <= 0.501 * np.abs(scales)[..., None])[inside].all()


def test_a_file_that_is_no_encoder_is_not_read_back(tmp_path: Path) -> None:
    (tmp_path / "encoder.onnx").write_bytes(b"no model")
    with pytest.raises(WeightsError):
        restore(tmp_path / "encoder.onnx")


def test_saved_and_loaded_it_is_the_same(encoder: WindowedEncoder, tmp_path: Path) -> None:
    encoder.half().float().save(tmp_path / "encoder.safetensors")
    loaded = WindowedEncoder.load(tmp_path / "encoder.safetensors")
    assert loaded.dims == DIMS
    mel = torch.rand(1, 40, 80)
    with torch.inference_mode():
        torch.testing.assert_close(loaded(mel), encoder(mel), atol=2e-3, rtol=0)


def test_a_file_of_another_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "encoder.onnx").write_bytes(b"no model")
    with pytest.raises(WeightsError, match="audio encoder"):
        EncoderModel.load(tmp_path / "encoder.onnx")


def load_or_skip(path: Path, wide: bool = False) -> EncoderModel:
    """Load a model in four bits, or skip the test where ONNX Runtime is too old for it."""
    try:
        return EncoderModel.load(path, wide)
    except WeightsError as error:
        if "MatMulNBits" in str(error):
            pytest.skip("this version of ONNX Runtime has no MatMulNBits in four bits")
        raise
