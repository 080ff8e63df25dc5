from pathlib import Path

import numpy as np
import pytest
from tests.made_up import made_up_speech

from rhapsode.audio.agc import AutomaticGainControl
from rhapsode.audio.mel import motion_frames
from rhapsode.audio.voice_gate import VoiceGate
from rhapsode.bundle import Bundle, sha256_of
from rhapsode.errors import DataError
from rhapsode.motion.windowed_encoder import WindowedEncoder
from rhapsode.training import voice_gate
from rhapsode.training.encoded_scenes import hear
from rhapsode.training.loop import Loop
from rhapsode.training.made_up_noise import make_noise
from rhapsode.training.voice_gate import VoiceGateRecipe, train


def test_two_steps_make_a_gate_and_scenes_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    speech, encoder = made_up_speech(tmp_path / "speech"), Bundle.load().path("audio_encoder.onnx")
    (speech / "1.wav").write_bytes(b"")
    monkeypatch.setattr(voice_gate, "held_out", lambda speaker: speaker.endswith("b"))
    recipe = VoiceGateRecipe(
        (speech,), encoder, tmp_path / "model", tmp_path / "store", scenes=2, seconds=3.0, width=4, batch=2, frames=60,
        loop=Loop(steps=2, check_every=1),
    )  # fmt: skip
    seen: list[tuple[str, int, int]] = []
    weights = train(recipe, lambda *stage: seen.append(stage))
    gate = VoiceGate.load(weights)
    assert gate.encoder == sha256_of(encoder)
    assert gate.step(np.zeros(512, np.float32), None)[1].shape == (4,)
    assert Bundle.load(tmp_path / "model").own("voice_gate.safetensors")
    assert [stage for stage, *_ in seen].count("scenes") == 3
    assert [str(speech / "1.wav") in message for message in caplog.messages] == [True]
    seen.clear()
    train(recipe, lambda *stage: seen.append(stage))
    assert "scenes" not in [stage for stage, *_ in seen]


def test_a_whole_sound_is_heard_as_one_that_arrives() -> None:
    encoder = WindowedEncoder.load(Bundle.load().path("audio_encoder.onnx"))
    sound = make_noise("pink", 1.2, np.random.default_rng(0))
    agc, stream = AutomaticGainControl(), encoder.start()
    pieces = (sound[first : first + 1000] for first in range(0, len(sound), 1000))
    arrived = np.stack([feature for piece in pieces for feature in stream.push(agc.push(piece))])
    heard = hear(encoder, sound)
    assert heard.shape == (motion_frames(len(sound)), 512) and len(arrived) > 50
    # Its weights are of few bits, so that rounding in the spectrum shows; the next frame is 0.38 off.
    assert np.abs(arrived - heard[: len(arrived)]).mean() < 0.03


def test_one_speaker_is_too_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_gate, "held_out", lambda speaker: False)
    recipe = VoiceGateRecipe(
        (made_up_speech(tmp_path / "speech"),),
        Bundle.load().path("audio_encoder.onnx"),
        tmp_path / "model",
    )
    with pytest.raises(DataError, match="too few people"):
        train(recipe)
