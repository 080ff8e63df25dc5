from pathlib import Path

import numpy as np
import torch

from rhapsode.audio.voice_gate import VoiceGate
from rhapsode.models.voice_gate import TorchVoiceGate


def test_numpy_computes_what_torch_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = TorchVoiceGate(features=20, width=8).eval()
    module.save(tmp_path / "gate.safetensors", "encoder's hash")
    gate = VoiceGate.load(tmp_path / "gate.safetensors")
    assert gate.encoder == "encoder's hash"
    features = np.random.default_rng(0).standard_normal((50, 20)).astype(np.float32)
    with torch.inference_mode():
        wanted = torch.sigmoid(module(torch.from_numpy(features)[None]))[0].numpy()
    state, found = None, []
    for feature in features:
        probability, state = gate.step(feature, state)
        found.append(probability)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
