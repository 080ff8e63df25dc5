"""Read a style clip from a video file: find the usable part, and refuse what no style can be learnt from."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from rhapsode.audio.mel import log_mel
from rhapsode.bundle import sha256_of
from rhapsode.data.av_sync import IN_SYNC, load_sync_model, shipped_sync_model
from rhapsode.data.clips import Clip
from rhapsode.data.index import as_float
from rhapsode.data.loudness import normalise_loudness
from rhapsode.data.store import PreparedClip
from rhapsode.data.tracking import SILENCE, UnusableClipError, track_clip
from rhapsode.errors import StyleError
from rhapsode.face.expression import disentangle
from rhapsode.face.expression_network import expression_network
from rhapsode.face.geometry import Pose
from rhapsode.face.lasting import as_speaker, lasting_units
from rhapsode.face.mouth import lip_distance
from rhapsode.face.tracker import FaceTracker
from rhapsode.learning.style_clip import StyleClip, length_of
from rhapsode.media.picture import load_picture
from rhapsode.media.reader import is_video
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.progress import Progress, no_progress

_log = logging.getLogger(__name__)

#: Seconds: a shorter clip is refused; a shorter one than the second is warned of; more than the third is not read.
SHORTEST, SHORT, LONGEST = 1.5, 5.0, 300.0
#: Standard deviation of the mouth opening (canonical units) below which the picture is frozen.
FROZEN = 0.01
#: A cut is where the face moves, between two frames, more than the first value (eye distances) and more than the second
#: times its usual movement; or where it is missing for so many seconds.
CUT, CUT_TIMES, GAP = 0.08, 8.0, 0.25

_REMEDY = "choose a video of one person who speaks"
_REMEDIES = {
    "no face": "choose a clip that shows one face from the front throughout",
    "several faces": "crop or cut it to one person",
    "no sound": "choose a clip with the person's voice",
    "too short": f"choose a clip of {SHORTEST} s or more, best 10 s",
    "face too small": "crop it to the face, or choose one of higher resolution",
    "unreadable": "check that it is a complete video file",
}


def read_style_clip(path: Path, neutral: Path | None = None, progress: Progress = no_progress) -> StyleClip:
    """Read a clip of one person who speaks or sings.

    Args:
        path: a video with sound of at least 1.5 s, best 10 s; 5 minutes are read at most.
        neutral: a picture or a clip of the same person with a relaxed face. Without it, an expression that lasts is
            told against the faces of people in general.
        progress: watches the stage `tracking`, in frames.

    Raises:
        Cancelled: raised by `progress`.
        PortraitError: the neutral picture cannot be read or shows no face.
        StyleError: the clip cannot be used.
    """
    if not path.is_file():
        raise StyleError(f"{path}: no such file", _REMEDY, "no-file")
    relaxed = None if neutral is None else read_neutral(neutral)  # before the clip, since it is quick
    try:
        tracked = track_clip(path, LONGEST, progress)
    except UnusableClipError as error:
        raise _refused(path, error.reason, error.note) from None
    if tracked.seconds >= LONGEST:
        _log.warning("%s: only the first %.0f s are used", path, LONGEST)
    sound = as_float(tracked.arrays["samples"])
    shot = _longest_shot_with_sound(path, tracked.arrays["times"], tracked.arrays["landmarks"], sound)
    times, landmarks, units = (tracked.arrays[name][shot] for name in ("times", "landmarks", "units"))
    offsets, rest, pose = disentangle(landmarks)
    if lip_distance(offsets + rest).std() < FROZEN:
        raise StyleError(f"{path}: a frozen picture, the mouth never moves", _REMEDY, "frozen")
    samples, moments = _cut(sound, times)
    if np.abs(samples).max() < SILENCE:
        raise _refused(path, "no sound", "it is silent while the face is seen")
    av_offset, sync_confidence = load_sync_model(shipped_sync_model()).measure(samples, moments, landmarks)
    if sync_confidence < IN_SYNC:
        _log.warning(
            "%s: the lips hardly follow the sound (correlation %.2f); is it this person's voice?", path, sync_confidence
        )
    # The sound is cut again, so that frames which the offset moves out of the sound are dropped, not held still.
    kept = _has_sound(times + av_offset, sound)
    recorded = times[kept]
    samples, moments = _cut(sound, recorded + av_offset)
    pose = Pose(pose.rotation[kept], pose.translation[kept], pose.scale[kept])
    clip = PreparedClip(
        clip=Clip(path, path.name, path.stem, "eval", "", ""),
        times=moments,
        landmarks=landmarks[kept],
        units=units[kept].astype(np.float32),
        pose=pose,
        samples=samples,
        mel=log_mel(samples),
        av_offset=av_offset,
        sync_confidence=sync_confidence,
    )
    style_clip = replace(StyleClip.from_prepared(clip), recorded_times=recorded, sha256=sha256_of(path))
    return style_clip if relaxed is None else style_clip.against(relaxed)


def read_neutral(path: Path) -> np.ndarray:
    """Read what lasts of the units of expression (51,) in somebody with a relaxed face, from a picture or a clip.

    Raises:
        PortraitError: the picture cannot be read.
        StyleError: no face is found.
    """
    if is_video(path):
        try:
            return lasting_units(track_clip(path, LONGEST).arrays["units"].astype(np.float32))
        except UnusableClipError as error:
            raise _refused(path, error.reason, error.note) from None
    with FaceTracker() as tracker:
        faces = tracker.detect(load_picture(path, None))
    if not faces:
        raise StyleError(
            f"{path}: no face found", "choose a picture that shows the face from the front", "no-face-in-neutral"
        )
    return as_speaker(expression_network().units(faces[0].mesh[None])[0])


def longest_shot(times: np.ndarray, landmarks: np.ndarray) -> tuple[int, int]:
    """Find the longest run of frames in which one face stays in view without a cut.

    Args:
        times: (T,) seconds.
        landmarks: (T, 68, 3) image pixels.

    Returns:
        The first frame, and the one after the last.
    """
    if len(times) < 2:
        return 0, len(times)
    size = np.linalg.norm(landmarks[:, 45] - landmarks[:, 36], axis=-1)
    moved = np.linalg.norm(np.diff(landmarks[..., :2], axis=0), axis=-1).mean(1) / np.minimum(size[1:], size[:-1])
    # Below 25 frames a second a face may move further from frame to frame.
    apart = np.maximum(np.diff(times) * 25, 1)
    cut = (moved > apart * max(CUT, CUT_TIMES * float(np.median(moved)))) | (np.diff(times) > GAP)
    borders = np.concatenate([[0], np.flatnonzero(cut) + 1, [len(times)]])
    longest = int(np.diff(borders).argmax())
    return int(borders[longest]), int(borders[longest + 1])


def _longest_shot_with_sound(path: Path, times: np.ndarray, landmarks: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """Number the frames (N,) of the part of a clip that is used; warn of what is not."""
    with_sound = np.flatnonzero(_has_sound(times, sound))
    shot = with_sound[slice(*longest_shot(times[with_sound], landmarks[with_sound]))]
    total, times = len(with_sound), times[shot]
    seconds = length_of(times)
    if seconds < SHORTEST - 1e-6:
        raise _refused(path, "too short", f"{seconds:.2f} s of one face without a cut, with sound")
    if len(times) < total:
        _log.warning(
            "%s: only the longest shot of one face is used, %.2f s from %.2f s on",
            path,
            seconds,
            times[0],
        )
    if seconds < SHORT - 1e-6:
        _log.warning(
            "%s: %.1f s show little of a style; %.0f s or more are better",
            path,
            seconds,
            SHORT,
            extra={"code": "short-clip"},
        )
    return shot


def _has_sound(times: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """Tell which of the frames at `times` (T,) seconds have sound, (T,) bool."""
    return (times >= 0) & (times <= len(sound) / SAMPLE_RATE)


def _cut(sound: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut the sound (N,) to the frames at `times` (T,); give it normalised, and the times on its own clock."""
    start = int(times[0] * SAMPLE_RATE)
    stop = int((times[0] + length_of(times)) * SAMPLE_RATE)
    normalised = normalise_loudness(Waveform(sound[start:stop], SAMPLE_RATE))
    return normalised.samples, times - start / SAMPLE_RATE


def _refused(path: Path, reason: str, note: str) -> StyleError:
    return StyleError(f"{path}: {reason} ({note})", _REMEDIES.get(reason, _REMEDY), reason.replace(" ", "-"))
