"""The voice gate and its envelope, with weights made by hand that hear one number: 1 for a voice, -1 for none."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from rhapsode.audio.voice_gate import ATTACK, BRIDGE, LEAD, RELEASE, VoiceGate, VoiceGateStream, voice_share
from rhapsode.errors import WeightsError

AHEAD = 3


def weights() -> dict[str, np.ndarray]:
    """Of a gate that forgets at once, and is sure of what it hears."""
    made = {
        "embed": [[3]],
        "gru.input": [[0], [0], [5]],
        "gru.state": [[0], [0], [0]],
        "out": [[10]],
        "embed.bias": [0],
        "gru.input.bias": [0, -20, 0],
        "gru.state.bias": [0, 0, 0],
        "out.bias": [0],
    }
    return {name: np.array(value, np.float32) for name, value in made.items()}


@pytest.fixture(scope="module")
def gate() -> VoiceGate:
    return VoiceGate(weights())


def features(voice: np.ndarray) -> np.ndarray:
    """What the gate hears, `LEAD` frames before each moment, of a sound and the silence after it."""
    told = np.concatenate([voice[LEAD:], np.zeros(LEAD + AHEAD, bool)])
    return np.where(told, 1, -1).astype(np.float32)[:, None]


def spoken(seconds: float, *voices: tuple[float, float]) -> np.ndarray:
    """True where a voice sounds, 60 a second, from and to the seconds given."""
    time = np.arange(round(60 * seconds)) / 60
    return np.any([(start <= time) & (time < end) for start, end in voices], axis=0)


def test_it_is_open_while_a_voice_sounds_and_shut_well_before_and_after(gate: VoiceGate) -> None:
    share = voice_share(gate, features(spoken(4, (1, 2))), AHEAD)
    assert share.shape == (240,) and share.dtype == np.float32
    assert (share[60:120] > 0.99).all(), "open from the first moment to the last"
    assert not share[: round(60 * (1 - ATTACK)) - 1].any()
    assert not share[round(60 * (2 + BRIDGE + RELEASE)) :].any()
    assert np.flatnonzero(share >= 0.5)[0] / 60 == pytest.approx(1 - ATTACK / 2, abs=0.02)
    assert np.abs(np.diff(share)).max() < 0.25, "it never jumps"


def test_a_short_pause_leaves_it_open_and_a_long_one_shuts_it(gate: VoiceGate) -> None:
    short = voice_share(gate, features(spoken(4, (1, 2), (2.15, 3))), AHEAD)
    assert (short[60:180] > 0.99).all()
    long = voice_share(gate, features(spoken(5, (1, 2), (3, 4))), AHEAD)
    assert not long[round(60 * 2.5) : round(60 * 2.8)].any()
    assert (long[180:240] > 0.99).all()


def test_a_voice_that_it_is_not_quite_sure_of_any_more_keeps_it_open(gate: VoiceGate) -> None:
    def heard(probability: float) -> np.ndarray:
        # Undoes what `weights` does to the number.
        logit = np.log(probability / (1 - probability))
        return np.array([np.arctanh(np.arctanh(logit / 10) / 5) / 3], np.float32)

    unsure = heard(0.42)
    assert gate.step(unsure, None)[0] == pytest.approx(0.42, abs=1e-3)
    stream = VoiceGateStream(gate, AHEAD)
    assert not any(stream.push(unsure) for _ in range(60)), "no voice begins so"
    for _ in range(30):
        stream.push(heard(0.9))
    assert all(stream.push(unsure) == 1 for _ in range(60))


def test_without_a_voice_it_stays_shut(gate: VoiceGate) -> None:
    assert not voice_share(gate, features(np.zeros(120, bool)), AHEAD).any()


def test_what_is_no_voice_gate_is_refused_in_one_line(tmp_path: Path) -> None:
    path, facts = tmp_path / "voice_gate.safetensors", {"encoder": "hash"}
    with pytest.raises(WeightsError, match="not a usable voice gate"):
        VoiceGate.load(path)
    path.write_bytes(b"\0" * 20)
    with pytest.raises(WeightsError, match="not a usable voice gate"):
        VoiceGate.load(path)
    save_file(weights(), path, facts)
    assert VoiceGate.load(path).encoder == "hash"
    save_file({name: value for name, value in weights().items() if name != "gru.state"}, path, facts)
    with pytest.raises(WeightsError, match=r"gru\.state"):
        VoiceGate.load(path)
    save_file(weights() | {"out": np.zeros((1, 5), np.float32)}, path, facts)
    with pytest.raises(WeightsError, match="shape"):
        VoiceGate.load(path)
