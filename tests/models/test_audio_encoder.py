from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from rhapsode.errors import WeightsError
from rhapsode.models.audio_encoder import AudioEncoder, EncoderState, OnlineMeanNormalization
from rhapsode.motion.dims import EncoderDims


@pytest.fixture(scope="module")
def encoder() -> AudioEncoder:
    torch.manual_seed(0)
    encoder = AudioEncoder(EncoderDims()).eval()
    encoder.voice.mean.fill_(-6.0)
    return encoder


@pytest.fixture(scope="module")
def mel() -> torch.Tensor:
    return 2 * torch.randn(2, 600, 80, generator=torch.Generator().manual_seed(1)) - 7


def test_the_default_has_no_more_than_three_million_parameters(encoder: AudioEncoder) -> None:
    assert 1e6 < sum(p.numel() for p in encoder.parameters()) <= 3e6


@pytest.mark.parametrize("chunk", [2, 10, 14, 600])
def test_features_of_a_stream_in_chunks_are_those_of_the_whole(
    encoder: AudioEncoder, mel: torch.Tensor, chunk: int
) -> None:
    with torch.inference_mode():
        whole, _ = encoder(mel)
        state: EncoderState | None = None
        parts = []
        for first in range(0, mel.shape[1], chunk):
            part, state = encoder(mel[:, first : first + chunk], state)
            parts.append(part)
    assert whole.shape == (2, 300, 384)
    assert (torch.cat(parts, 1) - whole).abs().max() < 1e-4


def test_sound_to_come_changes_nothing(encoder: AudioEncoder, mel: torch.Tensor) -> None:
    changed = mel.clone()
    changed[:, 300:] += 3
    with torch.inference_mode():
        difference = (encoder(mel)[0] - encoder(changed)[0]).abs().amax((0, 2))
    assert difference[:150].max() == 0 and difference[150:].min() > 0


def test_a_constant_coloring_of_a_voice_is_removed_after_a_while() -> None:
    voice = OnlineMeanNormalization()
    mel = torch.randn(1, 6000, 80, generator=torch.Generator().manual_seed(2))
    coloring = torch.linspace(-2, 2, 80)
    coloring -= coloring.mean()
    difference = (voice(mel)[0] - voice(mel + coloring)[0]).abs().mean(-1)[0]
    assert difference[0] > 0.9 and difference[-1] < 0.1


def test_what_is_saved_is_what_is_loaded(encoder: AudioEncoder, mel: torch.Tensor, tmp_path: Path) -> None:
    encoder.save(tmp_path / "e.safetensors")
    again = AudioEncoder.load(tmp_path / "e.safetensors")
    assert again.dims == encoder.dims
    with torch.inference_mode():
        assert (again(mel)[0] - encoder(mel)[0]).abs().max() < 5e-3, "half precision"


def test_a_missing_or_foreign_file_is_named(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(3)}, tmp_path / "foreign.safetensors", {"encoder": "{}"})
    for name in ("missing", "foreign"):
        with pytest.raises(WeightsError, match=rf"{name}\.safetensors"):
            AudioEncoder.load(tmp_path / f"{name}.safetensors")
