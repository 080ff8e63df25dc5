"""The voice gate: where a listener hears a voice, from the features that the audio encoder computes anyway.

A recurrent layer on the features (GRU, Cho et al. 2014) tells for each motion frame whether a voice sounds a little
later. An envelope follows: it opens before a voice begins, closes after it, and bridges short pauses. Speech under
music, whispers and song are to open it as clear speech does; silence, noise and music are not to.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import safe_open

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.compute import SingleThreadedMatrix
from rhapsode.files import reading

#: Name in a model folder.
FILE = "voice_gate.safetensors"
#: Motion frames by which the moment told of lies after the newest feature: the encoder has heard it.
LEAD = 4
#: Probability of a voice at which it begins, and under which it ends; between the two it stays as it is.
ON, OFF = 0.5, 0.35
#: Seconds: pauses shorter than this do not close the envelope.
BRIDGE = 0.2
#: Seconds in which the envelope opens; it is open when the voice begins, as a mouth is.
ATTACK = 0.12
#: Seconds in which the envelope closes after the voice.
RELEASE = 0.20


class VoiceGate:
    """Hold the weights. It keeps nothing of a sound.

    Attributes:
        weights: float32 arrays by name: `embed` (E, F), `gru.input` (3H, E), `gru.state` (3H, H) for the reset gate,
            the update gate and the candidate, `out` (1, H), and their biases.
        encoder: SHA-256 of the audio encoder whose features it reads; it fits no other.
    """

    def __init__(self, weights: Mapping[str, np.ndarray], encoder: str = "") -> None:
        """Take weights.

        Raises:
            KeyError: one is missing.
            ValueError: their shapes do not fit together.
        """
        self.weights = {name: np.ascontiguousarray(value, np.float32) for name, value in weights.items()}
        self.encoder = encoder
        self.width = self.weights["out"].shape[1]
        hears, rows = len(self.weights["embed"]), 3 * self.width
        for name, shape in (("gru.input", (rows, hears)), ("gru.state", (rows, self.width)), ("out", (1, self.width))):
            if self.weights[name].shape != shape or self.weights[f"{name}.bias"].shape != shape[:1]:
                raise ValueError(f"{name} is not of shape {shape}")
        self._embed = SingleThreadedMatrix(self.weights["embed"])
        self._input = SingleThreadedMatrix(self.weights["gru.input"])
        self._state = SingleThreadedMatrix(self.weights["gru.state"])

    @classmethod
    def load(cls, path: Path) -> "VoiceGate":
        """Read what `training.voice_gate` wrote.

        Raises:
            WeightsError: the file is missing, damaged, or of another model.
        """
        with reading(path, "voice gate"), safe_open(path, "np") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return cls(weights, file.metadata()["encoder"])

    def step(self, feature: np.ndarray, state: np.ndarray | None) -> tuple[float, np.ndarray]:
        """Hear one motion frame.

        Args:
            feature: (F,) float32.
            state: (H,) as returned for the frame before; None at the beginning.

        Returns:
            The probability that a voice sounds `LEAD` frames later, and the state.
        """
        weights, width = self.weights, self.width
        if state is None:
            state = np.zeros(width, np.float32)
        embedded = np.tanh(self._embed @ feature + weights["embed.bias"])
        new = self._input @ embedded + weights["gru.input.bias"]
        old = self._state @ state + weights["gru.state.bias"]
        reset, update = np.split(_sigmoid(new[: 2 * width] + old[: 2 * width]), 2)
        candidate = np.tanh(new[2 * width :] + reset * old[2 * width :])
        state = candidate + update * (state - candidate)
        return float(_sigmoid(weights["out"][0] @ state + weights["out.bias"][0])), state


class VoiceGateStream:
    """Tell how far the mouth may open, motion frame by motion frame, as features arrive."""

    def __init__(self, gate: VoiceGate, look_ahead: int) -> None:
        """Start before the first feature.

        Args:
            gate: the weights.
            look_ahead: motion frames by which the newest feature lies beyond the frame that is told of.
        """
        self._gate, self._ahead = gate, LEAD + look_ahead
        self._state: np.ndarray | None = None
        self._sounds = False
        self._since = 10**9  # frames since a voice sounded last
        self._ramp = 0.0

    def push(self, feature: np.ndarray) -> float:
        """Take the next feature, (F,) float32, 60 a second; give the envelope `look_ahead` frames before it, 0 .. 1."""
        probability, self._state = self._gate.step(feature, self._state)
        self._sounds = probability >= (OFF if self._sounds else ON)
        self._since = 0 if self._sounds else self._since + 1
        step = 0.0
        if self._since <= min(self._ahead, round(ATTACK * MOTION_RATE)):
            step = 1 / (ATTACK * MOTION_RATE)
        elif self._since > max(BRIDGE * MOTION_RATE, self._ahead):
            step = -1 / (RELEASE * MOTION_RATE)
        self._ramp = min(max(self._ramp + step, 0.0), 1.0)
        # Smooth at both ends, so that a mouth neither jerks open nor snaps shut.
        return self._ramp * self._ramp * (3 - 2 * self._ramp)


def voice_share(gate: VoiceGate, features: np.ndarray, look_ahead: int) -> np.ndarray:
    """Tell of a whole sound how far the mouth may open, as if it were arriving.

    Args:
        gate: the weights.
        features: (T + look_ahead, F) float32, 60 a second.
        look_ahead: as `VoiceGateStream` has it.

    Returns:
        (T,) float32 in [0, 1], 60 a second; value m is for time m/60 s.
    """
    stream = VoiceGateStream(gate, look_ahead)
    return np.array([stream.push(feature) for feature in features][look_ahead:], np.float32)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * x))
    return result
