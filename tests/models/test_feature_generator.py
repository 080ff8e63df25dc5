from pathlib import Path

import numpy as np
import pytest
import torch

from rhapsode.audio.mel import motion_frames
from rhapsode.errors import WeightsError
from rhapsode.models.feature_generator import FeatureGenerator
from rhapsode.models.windowed_encoder import WindowedEncoder
from rhapsode.models.windowed_export import export
from rhapsode.motion.dims import FeatureGeneratorDims, WindowedDims
from rhapsode.motion.model import ENCODER, GENERATOR, SpeechModel
from rhapsode.motion.stream import condensed_features

DIMS = WindowedDims(width=16, heads=2, ahead=(1, 1), ahead_wide=(4, 4), back=9, period=50)


def _models(folder: Path) -> tuple[FeatureGenerator, SpeechModel]:
    torch.manual_seed(0)
    generator = FeatureGenerator(FeatureGeneratorDims(features=16, hidden=12, components=4, kernel=5)).eval()
    generator.basis.normal_()
    generator.save(folder / GENERATOR)
    export(WindowedEncoder(DIMS).eval(), folder / ENCODER)
    return FeatureGenerator.load(folder / GENERATOR), SpeechModel.read(folder / GENERATOR)


def test_numpy_computes_what_torch_does(tmp_path: Path) -> None:
    in_torch, speech = _models(tmp_path)
    assert speech.generator.key == in_torch.key and speech.generator.look_ahead == in_torch.look_ahead == 3
    samples = np.random.default_rng(0).normal(0, 0.1, 17000).astype(np.float32)
    condensed = condensed_features(speech, samples)
    assert condensed.shape == (motion_frames(17000) + 3, 12)
    state, frames = None, []
    for row in condensed:
        frame, state = speech.generator.step(row, state)
        frames.append(frame)
    with torch.inference_mode():
        expected = in_torch.decode(torch.from_numpy(condensed)[None])[0].numpy()
    np.testing.assert_allclose(np.stack(frames), expected, atol=1e-5)


def test_a_whole_sound_moves_as_its_condensed_features_do() -> None:
    torch.manual_seed(0)
    generator = FeatureGenerator(FeatureGeneratorDims(features=16, hidden=12, components=4, kernel=5)).eval()
    generator.basis.normal_()
    features = torch.randn(1, 40, 16)
    with torch.inference_mode():
        late = generator.decode(generator.condense(features))
        torch.testing.assert_close(generator(features)[:, :37], late[:, 3:])


def test_a_style_is_a_change_of_weights_by_name_and_leaves_the_bottleneck(tmp_path: Path) -> None:
    in_torch, speech = _models(tmp_path)
    changed = speech.generator.with_weight_delta({"readout.bias": np.ones(4, np.float32)})
    features = np.zeros(12, np.float32)
    difference = changed.step(features)[0] - speech.generator.step(features)[0]
    np.testing.assert_allclose(difference, in_torch.basis.sum(0).reshape(68, 3).numpy(), atol=1e-4)
    other = in_torch.with_weight_delta({"readout.bias": torch.ones(4)})
    torch.testing.assert_close(other.state_dict()["readout.bias"], in_torch.state_dict()["readout.bias"] + 1)
    styled = {id(each) for each in in_torch.styled_parameters()}
    assert id(in_torch.embed.weight) not in styled and id(in_torch.conv1.weight) in styled


def test_a_generator_is_refused_beside_an_encoder_of_another_width(tmp_path: Path) -> None:
    _models(tmp_path)
    FeatureGenerator(FeatureGeneratorDims(features=20, hidden=12, components=4, kernel=5)).save(tmp_path / GENERATOR)
    with pytest.raises(WeightsError, match="takes 20 features, and its audio encoder gives 16"):
        SpeechModel.read(tmp_path / GENERATOR)
