"""One clip looked at and listened to once: the face in every frame, the sound, the person's outline."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from rhapsode.audio.mel import log_mel
from rhapsode.data.loudness import normalise_loudness
from rhapsode.errors import AudioError, VideoError
from rhapsode.face.expression import disentangle
from rhapsode.face.geometry import MIN_EYE_DISTANCE
from rhapsode.face.tracker import FaceTracker
from rhapsode.media.reader import probe, read_frames
from rhapsode.media.sound import load_waveform
from rhapsode.media.waveform import SAMPLE_RATE, Waveform

#: Least length of a clip, seconds.
SHORTEST = 0.5
#: Least share of the frames in which a face is found.
FACE_SHARE = 0.9
#: How often a clip is searched for a second face, and how large beside the first it must be to count.
FACE_LOOKS, SECOND_FACE = 5, 0.5
#: Share of those looks that may show a second face: a passer-by is forgiven, a conversation is not.
SECOND_FACE_SHARE = 0.2
#: Sound that never rises above this (-60 dB) is taken for silence.
SILENCE = 1e-3
#: Person masks a second, and their width in pixels.
MASK_RATE, MASK_WIDTH = 2.0, 96

_SEGMENTED_WIDTH = 256  # pixels that the segmentation itself looks at


class UnusableClipError(Exception):
    """A clip that cannot be used.

    Attributes:
        reason: one of the reasons that `docs/store.md` lists.
        note: what was found, in a few words.
    """

    def __init__(self, reason: str, note: str) -> None:
        super().__init__(reason, note)
        self.reason, self.note = reason, " ".join(note.split())


@dataclass(frozen=True)
class Tracked:
    """What a clip holds.

    Attributes:
        arrays: what is kept of it, by the names in `docs/store.md`.
        seconds: length of the picture.
        fps: frames a second.
        frames: number of frames.
        face_share: share of the frames in which a face was found.
        eye_distance: median distance between the outer corners of the eyes, pixels.
    """

    arrays: dict[str, np.ndarray]
    seconds: float
    fps: float
    frames: int
    face_share: float
    eye_distance: float


def track_clip(
    path: Path, longest: float = float("inf"), progress: Callable[[int, int], None] | None = None
) -> Tracked:
    """Look at a clip of one person who speaks.

    Args:
        path: a video with sound.
        longest: seconds after which the rest is left unseen.
        progress: called now and then with (frames seen, frames in all, by the file's own account).

    Raises:
        UnusableClipError: if it shows no face, several, or one too small, has no sound, is too short, or cannot be
            read.
    """
    try:
        info = probe(path)
    except VideoError as error:
        raise UnusableClipError("unreadable", str(error)) from error
    if not info.has_audio:
        raise UnusableClipError("no sound", "there is no audio track")
    samples = _sound(path)
    samples = samples[: int(min(longest * SAMPLE_RATE, len(samples)))]
    seconds = min(info.seconds, longest)
    total = max(1, round(seconds * info.fps))
    look = _watch(path, seconds, longest, progress and (lambda done: progress(min(done, total), total)))
    if not look.times:
        raise UnusableClipError("unreadable", "no frame can be read")
    found = np.array([face is not None for face in look.landmarks])
    times = np.array(look.times)
    fps = 1 / float(np.median(np.diff(times))) if len(times) > 1 else float(info.fps)
    seconds = float(times[-1] - times[0]) + 1 / fps
    if min(seconds, len(samples) / SAMPLE_RATE) < SHORTEST:
        raise UnusableClipError("too short", f"{seconds:.2f} s of picture, {len(samples) / SAMPLE_RATE:.2f} s of sound")
    if found.mean() < FACE_SHARE:
        raise UnusableClipError("no face", f"a face in only {100 * found.mean():.0f} % of the frames")
    if look.crowded > SECOND_FACE_SHARE * look.searched:
        raise UnusableClipError("several faces", f"a second face in {look.crowded} of {look.searched} frames looked at")
    # Time stamps may stand still or go back; motion is read as a function of time.
    used = found & (times > np.maximum.accumulate(np.concatenate([[-np.inf], times[:-1]])))
    landmarks = np.array([look.landmarks[frame] for frame in np.flatnonzero(used)], np.float32)
    eye_distance = float(np.median(np.linalg.norm(landmarks[:, 45, :2] - landmarks[:, 36, :2], axis=-1)))
    if eye_distance < MIN_EYE_DISTANCE:
        raise UnusableClipError("face too small", f"{eye_distance:.0f} pixels between the outer corners of the eyes")
    _, _, pose = disentangle(landmarks)
    whole = np.round(samples * 32767).astype(np.int16)
    arrays = {
        "times": times[used],
        "landmarks": landmarks,
        "rotation": pose.rotation.astype(np.float32),
        "translation": pose.translation.astype(np.float32),
        "scale": pose.scale.astype(np.float32),
        "samples": whole,
        "mel": log_mel(whole.astype(np.float32) / 32767).astype(np.float16),
        "masks": np.array(look.masks, np.uint8),
        "mask_times": np.array(look.mask_times),
    }
    return Tracked(arrays, seconds, fps, len(times), float(found.mean()), eye_distance)


def _sound(path: Path) -> np.ndarray:
    """(N,) float32 at 16 kHz, loudness normalised."""
    try:
        sound: Waveform = load_waveform(path, SAMPLE_RATE)
    except AudioError as error:
        raise UnusableClipError("no sound", str(error)) from error
    if np.abs(sound.samples).max() < SILENCE:
        raise UnusableClipError("no sound", "the sound is silent throughout")
    return normalise_loudness(sound).samples


@dataclass
class _Look:
    """What was seen of a video: a time and maybe landmarks (68, 3) for each frame, now and then more."""

    times: list[float]
    landmarks: list[np.ndarray | None]
    masks: list[np.ndarray]
    mask_times: list[float]
    searched: int = 0
    crowded: int = 0


def _watch(path: Path, seconds: float, longest: float, progress: Callable[[int], None] | None = None) -> _Look:
    """Watch a video of about `seconds` once through, or until `longest`."""
    seen = _Look([], [], [], [])
    with FaceTracker() as tracker:

        def frames() -> Iterator[np.ndarray]:
            for time, frame in read_frames(path):
                if seen.times and time - seen.times[0] >= longest:
                    return
                seen.times.append(time)
                if time - seen.times[0] >= len(seen.masks) / MASK_RATE:
                    seen.masks.append(_small_mask(tracker, frame))
                    seen.mask_times.append(time)
                if time - seen.times[0] >= (seen.searched + 0.5) * seconds / FACE_LOOKS:
                    faces = tracker.detect(frame)
                    seen.searched += 1
                    seen.crowded += len(faces) > 1 and faces[1].eye_distance >= SECOND_FACE * faces[0].eye_distance
                yield frame

        for face in tracker.track(frames()):
            seen.landmarks.append(None if face is None else face.landmarks)
            if progress and len(seen.landmarks) % 10 == 0:
                progress(len(seen.landmarks))
    return seen


def _small_mask(tracker: FaceTracker, frame: np.ndarray) -> np.ndarray:
    """How surely each part of a frame shows a person, (h, MASK_WIDTH) uint8."""
    height, width = frame.shape[:2]
    seen = Image.fromarray(frame).resize((_SEGMENTED_WIDTH, max(1, round(_SEGMENTED_WIDTH * height / width))))
    mask = Image.fromarray(np.round(tracker.person_mask(np.asarray(seen)) * 255).astype(np.uint8))
    return np.asarray(mask.resize((MASK_WIDTH, max(1, round(MASK_WIDTH * height / width)))))
