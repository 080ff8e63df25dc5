"""Motion of synthesised speech, whose phones are known."""

from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file

from rhapsode.face.mouth import lip_opening
from rhapsode.metrics.lip_gestures import LipGestures
from rhapsode.models.feature_generator import FeatureGenerator
from rhapsode.models.windowed_encoder import WindowedEncoder
from rhapsode.models.windowed_export import export
from rhapsode.motion.dims import FeatureGeneratorDims, WindowedDims
from rhapsode.motion.windowed_encoder import WindowedEncoder as EncoderModel
from rhapsode.training.spoken_motion import PARTED, VOICES, corrected, speak
from rhapsode.training.spoken_sentences import SENTENCES


def _mouth(openings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (T, 2) and a basis of a jaw that drops, and of cheeks that move at random."""
    basis = np.zeros((2, 68, 3), np.float32)
    basis[0, [66, 57, 8], 1] = 1, 1, 0.8
    basis[1, 1:5] = 0.3
    cheeks = np.random.default_rng(0).normal(size=len(openings))
    return np.stack([openings, cheeks], 1), basis.reshape(2, -1)


def test_lips_meet_and_part_on_time_and_stay_as_they_are_elsewhere() -> None:
    teacher = np.full(120, 0.03)
    teacher[::2] = 0.05
    weights, basis = _mouth(teacher)
    gestures = LipGestures(np.array([[0.5, 0.6]]), np.array([[1.2, 1.3]]))
    opening = lip_opening((corrected(weights, basis, gestures) @ basis).reshape(-1, 68, 3))
    np.testing.assert_allclose(opening[30:37], 0, atol=1e-6)
    np.testing.assert_allclose(opening[72:79], PARTED, atol=1e-6)
    np.testing.assert_allclose(opening[:25], teacher[:25], atol=1e-6)


def test_lips_that_meet_already_are_not_pressed_together() -> None:
    weights, basis = _mouth(np.where(np.arange(60) < 30, -0.02, 0.1))
    gestures = LipGestures(np.array([[0.1, 0.3]]), np.zeros((0, 2)))
    np.testing.assert_allclose(corrected(weights, basis, gestures)[:25], weights[:25], atol=1e-6)


def test_there_are_as_many_sentences_in_each_of_eight_languages() -> None:
    assert len(SENTENCES) == 8
    assert {len(sentences) for sentences in SENTENCES.values()} == {12}


def test_synthesised_speech_is_written_with_lips_that_meet(tmp_path: Path) -> None:
    torch.manual_seed(0)
    dims = WindowedDims(16, 2, (0, 0, 1), (1, 1, 1), 9, 50)
    encoder = EncoderModel.load(export(WindowedEncoder(dims), tmp_path / "encoder.onnx", rounded=False))
    teacher = FeatureGenerator(FeatureGeneratorDims(16, 8, 4)).eval()
    teacher.basis.normal_(0, 0.1)
    speak(encoder, teacher, tmp_path / "spoken", {"en": ("Mama.",)})
    files = sorted((tmp_path / "spoken").glob("*.safetensors"))
    assert len(files) == len(VOICES)
    for one in map(load_file, files):
        opening = lip_opening((one["weights"].astype(np.float32) @ one["basis"]).reshape(-1, 68, 3))
        assert len(opening) == len(one["mel"]) // 2 * 6 // 5
        assert opening.min() < 0.01
