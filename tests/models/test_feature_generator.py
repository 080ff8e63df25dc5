from pathlib import Path

import numpy as np
import torch

from rhapsode.audio.mel import motion_frames
from rhapsode.models.feature_generator import FeatureGenerator, to_motion_rate
from rhapsode.models.windowed_encoder import WindowedEncoder
from rhapsode.models.windowed_export import export
from rhapsode.motion.dims import FeatureGeneratorDims, WindowedDims
from rhapsode.motion.feature_stream import (
    EncoderModel,
    FeatureExpressionStream,
    FeatureStream,
    NumpyFeatureGenerator,
    generate,
)

DIMS = WindowedDims(width=16, heads=2, ahead=(1, 1), ahead_wide=(4, 4), back=9, period=50)


def _models(folder: Path) -> tuple[EncoderModel, FeatureGenerator, NumpyFeatureGenerator]:
    torch.manual_seed(0)
    generator = FeatureGenerator(FeatureGeneratorDims(features=16, hidden=12, components=4)).eval()
    generator.basis.normal_()
    path = folder / "generator.safetensors"
    generator.save(path)
    encoder = EncoderModel.load(export(WindowedEncoder(DIMS).eval(), folder / "encoder.onnx"))
    return encoder, FeatureGenerator.load(path), NumpyFeatureGenerator.load(path)


def test_numpy_computes_what_torch_does_and_a_stream_is_the_whole_to_the_bit(tmp_path: Path) -> None:
    encoder, in_torch, in_numpy = _models(tmp_path)
    samples = np.random.default_rng(0).normal(0, 0.1, 17000).astype(np.float32)
    whole = generate(encoder, in_numpy, samples)
    assert whole.shape == (motion_frames(17000), 68, 3)
    stream = FeatureExpressionStream(encoder, in_numpy)
    parts = [frame for first in range(0, 17000, 640) for frame in stream.push(samples[first : first + 640])]
    np.testing.assert_array_equal(np.stack(parts), whole[: len(parts)])
    # The look-ahead in all: front, attention, generator, and up to a feature between two frames of motion.
    assert len(whole) - len(parts) <= 60 * (DIMS.look_ahead() + 3 / 50 + 1 / 50) + 60 * 640 / 16000 + 1
    features = np.concatenate(list(FeatureStream(encoder).push(np.concatenate([samples, np.zeros(8000, np.float32)]))))
    with torch.inference_mode():
        expected = to_motion_rate(in_torch(torch.from_numpy(features)[None]), len(whole))[0].numpy()
    np.testing.assert_allclose(whole[:50], expected[:50], atol=1e-4)


def test_a_style_is_a_change_of_weights_by_name(tmp_path: Path) -> None:
    encoder, in_torch, in_numpy = _models(tmp_path)
    changed = in_numpy.with_weight_delta({"conv2.bias": np.ones(4, np.float32)})
    silence = np.zeros(1600, np.float32)
    difference = generate(encoder, changed, silence) - generate(encoder, in_numpy, silence)
    np.testing.assert_allclose(difference[0], in_torch.basis.sum(0).reshape(68, 3).numpy(), atol=1e-4)
    other = in_torch.with_weight_delta({"conv2.bias": torch.ones(4)})
    torch.testing.assert_close(other.state_dict()["conv2.bias"], in_torch.state_dict()["conv2.bias"] + 1)
