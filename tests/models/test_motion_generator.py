from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from rhapsode.audio.mel import LOG_FLOOR
from rhapsode.bundle import Bundle
from rhapsode.errors import WeightsError
from rhapsode.models.motion_generator import GeneratorState, MotionGenerator
from rhapsode.motion.dims import EncoderDims, GeneratorDims


@pytest.fixture(scope="module")
def shipped() -> MotionGenerator:
    """The last generator of the published form that shipped."""
    return MotionGenerator.load(Bundle.load("research").path("recurrent_generator.safetensors"))


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
