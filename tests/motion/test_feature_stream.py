import numpy as np
from tests.models.test_windowed_encoder import load_or_skip

from rhapsode.bundle import Bundle
from rhapsode.data.loudness import normalise_loudness
from rhapsode.face.mouth import lip_opening
from rhapsode.media.waveform import SAMPLE_RATE, Waveform, resample
from rhapsode.motion.feature_stream import FeatureExpressionStream, NumpyFeatureGenerator, generate


def test_the_research_weights_open_a_mouth_with_speech_and_stream_to_the_bit(sentence: Waveform) -> None:
    research = Bundle.load("research")
    encoder = load_or_skip(research.path("windowed_encoder.onnx"))
    generator = NumpyFeatureGenerator.load(research.path("feature_generator.safetensors"))
    samples = normalise_loudness(resample(sentence, SAMPLE_RATE)).samples
    whole = generate(encoder, generator, samples)
    assert 0.01 < lip_opening(whole).std() < 0.2
    stream = FeatureExpressionStream(encoder, generator)
    parts = [frame for first in range(0, len(samples), 640) for frame in stream.push(samples[first : first + 640])]
    np.testing.assert_array_equal(np.stack(parts), whole[: len(parts)])
    assert len(whole) - len(parts) <= 60 * 0.1925 + 60 * 0.04 + 1
