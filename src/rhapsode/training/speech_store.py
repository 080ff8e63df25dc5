"""Speech prepared for training: log-mel, and features of the teacher, of every recording at several speeds."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save
from scipy.signal import resample_poly

from rhapsode.audio.mel import log_mel
from rhapsode.data.loudness import normalise_loudness
from rhapsode.data.speech import Utterance, leave_out, load_speech
from rhapsode.errors import DataError
from rhapsode.files import atomic_write
from rhapsode.progress import Progress, no_progress
from rhapsode.training.teacher import Teacher

#: Speeds at which every recording is played: other voices, other tempi.
SPEEDS = (Fraction(17, 20), Fraction(1), Fraction(20, 17))


def prepare_speech(
    spoken: Sequence[Utterance], store: Path, teacher: bool, progress: Progress = no_progress
) -> list[tuple[Utterance, Path]]:
    """Prepare recordings that are new or were replaced.

    Args:
        spoken: the recordings.
        store: folder of the results, made where missing.
        teacher: whether the features of the teacher are needed.
        progress: watches the stage `speech`.

    Returns:
        Each recording at each speed, and its safetensors file: `mel` (2T, 80) float16, and with a teacher `teacher`
        (T, 384) float16. Recordings that `load_speech` refuses are left out.

    Raises:
        DataError: none is left.
    """
    store.mkdir(parents=True, exist_ok=True)
    made = [
        (one, speed, store / prepared_name(one.path, speed, "teacher" if teacher else "mel"))
        for one in spoken
        for speed in SPEEDS
    ]
    missing = [(one.path, speed, path) for one, speed, path in made if not path.is_file()]
    if missing:
        # In a process of its own, so that decoding and the teacher do not share memory with the training.
        context = get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context, initializer=_start, initargs=(teacher,)) as pool:
            for done, refused in enumerate(pool.map(_prepare_one, missing, chunksize=8), start=1):
                if refused:
                    leave_out(refused)
                progress("speech", done, len(missing))
    return usable([(one, path) for one, _, path in made])


def usable(prepared: Sequence[tuple[Utterance, Path]]) -> list[tuple[Utterance, Path]]:
    """Keep the recordings that were prepared.

    Raises:
        DataError: none was.
    """
    found = [(one, path) for one, path in prepared if path.is_file()]
    if prepared and not found:
        raise DataError("no recording of speech can be used", "see the warnings before this", "no-speech")
    return found


def prepared_name(source: Path, speed: Fraction, kind: str) -> str:
    """Name a prepared recording by where it lies, its size and its age: equal names in two folders do not collide.

    Args:
        source: the recording.
        speed: how much faster than recorded it is played.
        kind: of what is kept of it, such as `mel`.
    """
    stat = source.stat()
    digest = hashlib.sha256(f"{source.resolve()}\n{stat.st_size}\n{stat.st_mtime_ns}".encode()).hexdigest()[:16]
    return f"{source.stem[:40]}-{digest}__{float(speed):.2f}.{kind}.safetensors"


_teacher: Teacher | None = None


def _start(teacher: bool) -> None:
    global _teacher
    torch.set_num_threads(1)
    _teacher = Teacher() if teacher else None


def _prepare_one(task: tuple[Path, Fraction, Path]) -> str:
    """Prepare a recording; say why where it is of no use."""
    source, speed, path = task
    try:
        samples = normalise_loudness(load_speech(source)).samples
    except DataError as error:
        return str(error)
    if speed != 1:
        samples = resample_poly(samples, speed.denominator, speed.numerator).astype(np.float32)
    arrays = {"mel": log_mel(samples).astype(np.float16)}
    if _teacher is not None:
        arrays["teacher"] = _teacher.features(samples).astype(np.float16)
    atomic_write(path, save(arrays))
    return ""
