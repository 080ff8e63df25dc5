"""Track one clip: the face in every frame, and the sound."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rhapsode.audio.find_voice import find_voice
from rhapsode.audio.mel import log_mel
from rhapsode.data.loudness import normalise_loudness
from rhapsode.errors import AudioError, VideoError
from rhapsode.face.expression import disentangle
from rhapsode.face.expression_network import expression_network
from rhapsode.face.geometry import MIN_EYE_DISTANCE
from rhapsode.face.landmarks import MESH_TO_68
from rhapsode.face.tracker import FaceTracker
from rhapsode.media.reader import probe, read_frames
from rhapsode.media.sound import load_waveform
from rhapsode.media.waveform import SAMPLE_RATE
from rhapsode.progress import Progress, no_progress

#: Shortest clip, seconds.
SHORTEST = 0.5
#: Smallest share of the frames in which a face must be found.
FACE_SHARE = 0.9
#: How many frames are searched for a second face, and how large it must be, relative to the first, to count.
FACE_LOOKS, SECOND_FACE = 5, 0.5
#: Share of those frames that may show a second face: a passer-by is tolerated, a conversation is not.
SECOND_FACE_SHARE = 0.2
#: Sound that never exceeds this amplitude (-60 dBFS) counts as silence.
SILENCE = 1e-3
#: Frames between two calls of `progress`.
_EVERY = 10


class UnusableClipError(Exception):
    """Report a clip that cannot be used.

    Attributes:
        reason: one of the reasons that `docs/store.md` lists.
        note: details, in a few words.
    """

    def __init__(self, reason: str, note: str) -> None:
        super().__init__(reason, note)
        self.reason, self.note = reason, " ".join(note.split())


@dataclass(frozen=True)
class Tracked:
    """Hold what was measured of a clip.

    Attributes:
        arrays: by the names in `docs/store.md`.
        seconds: length of the video track.
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


def track_clip(path: Path, longest: float = float("inf"), progress: Progress = no_progress) -> Tracked:
    """Track the face and read the sound of a clip of one speaking person.

    Args:
        path: a video with sound.
        longest: seconds that are read at most.
        progress: watches the stage `tracking`, in frames; the total is the one that the file states.

    Raises:
        UnusableClipError: the clip shows no face, several, or one that is too small; has no sound; is too short; or
            cannot be read.
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
    found = _find_faces(path, seconds, longest, lambda done: progress("tracking", min(done, total), total))
    if not found.times:
        raise UnusableClipError("unreadable", "no frame can be read")
    has_face = np.array([mesh is not None for mesh in found.meshes])
    times = np.array(found.times)
    fps = 1 / float(np.median(np.diff(times))) if len(times) > 1 else float(info.fps)
    seconds = float(times[-1] - times[0]) + 1 / fps
    if min(seconds, len(samples) / SAMPLE_RATE) < SHORTEST:
        raise UnusableClipError("too short", f"{seconds:.2f} s of video, {len(samples) / SAMPLE_RATE:.2f} s of sound")
    if has_face.mean() < FACE_SHARE:
        raise UnusableClipError("no face", f"a face in only {100 * has_face.mean():.0f} % of the frames")
    if found.crowded > SECOND_FACE_SHARE * found.searched:
        raise UnusableClipError("several faces", f"a second face in {found.crowded} of {found.searched} frames")
    # Time stamps may repeat or go back; motion is interpolated over time, which must increase.
    used = has_face & (times > np.maximum.accumulate(np.concatenate([[-np.inf], times[:-1]])))
    meshes = np.array([found.meshes[frame] for frame in np.flatnonzero(used)], np.float32)
    landmarks = meshes[:, MESH_TO_68]
    eye_distance = float(np.median(np.linalg.norm(landmarks[:, 45, :2] - landmarks[:, 36, :2], axis=-1)))
    if eye_distance < MIN_EYE_DISTANCE:
        raise UnusableClipError("face too small", f"{eye_distance:.0f} pixels between the outer corners of the eyes")
    _, _, pose = disentangle(landmarks)
    pcm = np.round(samples * 32767).astype(np.int16)
    arrays = {
        "times": times[used],
        "landmarks": landmarks,
        "units": expression_network().units(meshes).astype(np.float16),
        "rotation": pose.rotation.astype(np.float32),
        "translation": pose.translation.astype(np.float32),
        "scale": pose.scale.astype(np.float32),
        "samples": pcm,
        "mel": log_mel(pcm.astype(np.float32) / 32767).astype(np.float16),
    }
    return Tracked(arrays, seconds, fps, len(times), float(has_face.mean()), eye_distance)


def _sound(path: Path) -> np.ndarray:
    """Read the voice, from the track and the channel that hold it, (N,) float32 at 16 kHz, loudness normalised."""
    try:
        sound = load_waveform(path, SAMPLE_RATE, find_voice(path, learning=True))
    except AudioError as error:
        raise UnusableClipError("no sound", str(error)) from error
    if np.abs(sound.samples).max() < SILENCE:
        raise UnusableClipError("no sound", "the sound is silent throughout")
    return normalise_loudness(sound).samples


@dataclass
class _Found:
    """Collect, for each frame, its time and mesh (478, 3) or None; and how many frames showed a second face."""

    times: list[float] = field(default_factory=list)
    meshes: list[np.ndarray | None] = field(default_factory=list)
    searched: int = 0
    crowded: int = 0


def _find_faces(path: Path, seconds: float, longest: float, progress: Callable[[int], None]) -> _Found:
    """Track the face through a video of about `seconds`, up to `longest`."""
    found = _Found()
    with FaceTracker() as tracker:

        def frames() -> Iterator[np.ndarray]:
            for time, frame in read_frames(path):
                if found.times and time - found.times[0] >= longest:
                    return
                found.times.append(time)
                if time - found.times[0] >= (found.searched + 0.5) * seconds / FACE_LOOKS:
                    faces = tracker.detect(frame)
                    found.searched += 1
                    found.crowded += len(faces) > 1 and faces[1].eye_distance >= SECOND_FACE * faces[0].eye_distance
                yield frame

        for face in tracker.track(frames()):
            found.meshes.append(None if face is None else face.mesh)
            if len(found.meshes) % _EVERY == 0:
                progress(len(found.meshes))
    return found
