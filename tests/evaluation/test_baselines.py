import numpy as np
import pytest

from rhapsode.evaluation.baselines import LoudnessJaw, NearestNeighbour, baselines, mean_face
from rhapsode.evaluation.clips import RealClip
from rhapsode.face.mouth import lip_distance
from rhapsode.media.waveform import Waveform
from rhapsode.metrics.mouth import opening_correlation


def test_the_mean_face_never_moves(sentence: Waveform) -> None:
    assert not mean_face(sentence).any()


def test_the_nearest_neighbour_of_a_learnt_sound_is_its_own_motion(clips: list[RealClip]) -> None:
    said = NearestNeighbour(clips[:1])(clips[0].sound)
    assert opening_correlation(said + clips[0].rest, clips[0].real + clips[0].rest) > 0.95


def test_the_louder_the_wider(clips: list[RealClip]) -> None:
    method = LoudnessJaw(clips[:1])
    time = np.arange(32000) / 16000
    swelling = Waveform((0.5 * time * np.sin(2 * np.pi * 150 * time)).astype(np.float32), 16000)
    opened = lip_distance(method(swelling) + clips[0].rest)
    assert opened[-20:].mean() > opened[20:40].mean()


def test_every_method_answers_for_every_moment(clips: list[RealClip]) -> None:
    methods = baselines(clips[:1])
    assert list(methods) == ["mean_face", "loudness_jaw", "nearest_neighbour"]
    for method in methods.values():
        assert method(clips[1].sound).shape == clips[1].real.shape


def test_what_must_learn_is_left_out_where_there_is_nothing_to_learn_from() -> None:
    assert list(baselines([])) == ["mean_face"]


@pytest.mark.parametrize("length", [1, 400, 16000])
def test_short_sounds_are_answered_too(clips: list[RealClip], length: int) -> None:
    for method in baselines(clips[:1]).values():
        assert np.isfinite(method(Waveform(np.zeros(length, np.float32), 16000))).all()
