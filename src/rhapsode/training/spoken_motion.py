"""Make motion for synthesised speech, whose phones are known: a teacher's, with lips that meet and part on time.

Few phones of few languages are filmed, and regression to the mean leaves lips ajar. The synthesiser tells when each
phone sounds; there the teacher's motion is corrected along the one direction of the face in which the mouth opens.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save

from rhapsode.audio.agc import AutomaticGainControl
from rhapsode.audio.mel import MOTION_RATE
from rhapsode.audio.whisper_mel import FEATURE_RATE, whisper_mel
from rhapsode.face.mouth import lip_opening
from rhapsode.files import atomic_write
from rhapsode.media.synthesis import synthesise_timed
from rhapsode.media.waveform import SAMPLE_RATE, resample
from rhapsode.metrics.lip_gestures import LipGestures, lip_gestures
from rhapsode.models.feature_generator import FeatureGenerator
from rhapsode.motion.windowed_encoder import WindowedEncoder, to_motion_rate
from rhapsode.progress import Progress, no_progress
from rhapsode.training.spoken_sentences import SENTENCES

#: Variants of the synthesiser's voices, and words a minute.
VOICES = (("+m1", 150), ("+f2", 165), ("+m7", 180))
#: Seconds in which lips come together and part again, and the least opening of an open vowel, canonical units.
EASE, PARTED = 0.04, 0.10


def corrected(weights: np.ndarray, basis: np.ndarray, gestures: LipGestures) -> np.ndarray:
    """Let lips meet and part when they must.

    Args:
        weights: (T, K) of the basis, 60 a second.
        basis: (K, 204) expressions.
        gestures: when lips must meet, and part.

    Returns:
        (T, K).
    """
    opens = lip_opening(basis.reshape(-1, 68, 3))
    opening = weights @ opens
    # How all weights change, on average, with the opening; scaled so that the opening changes by one.
    moved = (weights - weights.mean(0)).T @ (opening - opening.mean())
    direction = moved / max(float(moved @ opens), 1e-9)
    wanted = opening + _share(gestures.parted, len(weights)) * (PARTED - opening).clip(min=0)
    wanted = wanted - _share(gestures.shut, len(weights)) * wanted.clip(min=0)
    result: np.ndarray = weights + (wanted - opening)[:, None] * direction
    return result


def _share(spans: np.ndarray, count: int) -> np.ndarray:
    """(N, 2) seconds -> (count,): 1 within a span, easing to 0 beside it."""
    moments = np.arange(count) / MOTION_RATE
    share = np.zeros(count)
    for start, end in spans:
        away = np.maximum(start - moments, moments - end).clip(0, EASE)
        share = np.maximum(share, 0.5 + 0.5 * np.cos(np.pi * away / EASE))
    return share


@torch.inference_mode()
def speak(
    encoder: WindowedEncoder,
    teacher: FeatureGenerator,
    out: Path,
    sentences: Mapping[str, Sequence[str]] = SENTENCES,
    progress: Progress = no_progress,
) -> None:
    """Speak every sentence in several voices, and write its sound and motion as `lip_teachers.predict` does.

    Args:
        encoder: makes the features that the teacher takes; its wide setting is used.
        teacher: makes the motion to correct.
        out: folder, made where missing.
        sentences: what to say, by language.
        progress: watches the stage `speech`.

    Raises:
        InstallationError: espeak-ng is not installed.
    """
    basis = teacher.basis.numpy()
    said = [(language, text) for language, texts in sentences.items() for text in texts]
    for done, (place, (voice, pace)) in enumerate(product(range(len(said)), VOICES), start=1):
        language, text = said[place]
        sound, phones = synthesise_timed(text, language + voice, pace)
        mel = whisper_mel(AutomaticGainControl().push(resample(sound, SAMPLE_RATE).samples))
        mel = mel[: len(mel) // 2 * 2]
        features = to_motion_rate(encoder.wide.encode(mel), len(mel) // 2 * MOTION_RATE // FEATURE_RATE)
        weights = corrected(teacher.weights(torch.from_numpy(features)[None])[0].numpy(), basis, lip_gestures(phones))
        arrays = {"mel": mel.astype(np.float16), "weights": np.ascontiguousarray(weights.astype(np.float16))}
        name = f"spoken_{language}_{place:03}{voice}.safetensors"
        atomic_write(out / name, save(arrays | {"basis": basis.astype(np.float32)}))
        progress("speech", done, len(said) * len(VOICES))
