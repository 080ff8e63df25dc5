"""A performance: what is seen and heard of a clip that a style is learnt from."""

import hashlib
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rhapsode.audio.mel import log_mel
from rhapsode.data.av_sync import IN_SYNC, load_sync_model, shipped_sync_model
from rhapsode.data.clips import Clip
from rhapsode.data.head_path import head_path
from rhapsode.data.loudness import normalise_loudness
from rhapsode.data.motion_windows import align_clip
from rhapsode.data.store import PreparedClip
from rhapsode.data.tracking import SILENCE, UnusableClipError, track_clip
from rhapsode.errors import StyleError
from rhapsode.face.expression import disentangle, resample, resting_face
from rhapsode.face.geometry import Pose, fit_pose, to_canonical
from rhapsode.face.landmarks import EYES, LID_PAIRS
from rhapsode.face.mouth import lip_distance
from rhapsode.face.tracker import FaceTracker
from rhapsode.media.picture import load_picture
from rhapsode.media.reader import is_video
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.metrics.head import blinks, lid_closure
from rhapsode.motion.retarget import lips_together
from rhapsode.progress import Progress, no_progress

_log = logging.getLogger(__name__)

#: Seconds: a shorter clip is refused, a shorter one than the second is warned of, and of a longer one than the third
#: only the beginning is looked at.
SHORTEST, SHORT, LONGEST = 1.5, 5.0, 300.0
#: A mouth whose opening varies by less (canonical units) belongs to a frozen picture.
FROZEN = 0.006
#: Between two frames a face moves less than this (distances between the eye corners), and less than so many times its
#: usual movement; more is a cut to another picture. So is a gap without a face of so many seconds.
CUT, CUT_TIMES, GAP = 0.08, 8.0, 0.25


@dataclass(frozen=True)
class StyleClip:
    """What a style is learnt from.

    Attributes:
        name: of the clip's file.
        expression: (T, 68, 3) float32 offsets from the person's own resting face, canonical space, 60 a second.
        rest: (68, 3) that face.
        mel: (2T, 80) float32 log-mel of the sound, in step with the face.
        clip: landmarks, pose and sound as tracked, lag taken out.
        filmed: (N,) the times of the clip's frames in the recording, seconds on the clock of its picture.
        blink_times: (N, 2) seconds at which blinks begin and end.
        rest_expression: (68, 3) the resting face of the performance against the neutral one; zero where none was given.
        eyelid_offset: how far the lids hang against the neutral face's, 0 to 1.
        sha256: of the clip's file, empty where it is not known.
    """

    name: str
    expression: np.ndarray
    rest: np.ndarray
    mel: np.ndarray
    clip: PreparedClip
    filmed: np.ndarray
    blink_times: np.ndarray
    rest_expression: np.ndarray
    eyelid_offset: float
    sha256: str = ""

    @property
    def seconds(self) -> float:
        """Length of the picture."""
        return _length(self.clip.times)

    @classmethod
    def from_prepared(cls, clip: PreparedClip) -> "StyleClip":
        """That of a clip of a store."""
        spoken = align_clip(clip)
        shut = blinks(lid_closure(clip.landmarks), clip.times)
        rest_expression = np.zeros((68, 3), np.float32)
        return cls(
            clip.clip.path.name,
            spoken.expression,
            spoken.rest,
            spoken.features,
            clip,
            clip.times - clip.av_offset,
            shut,
            rest_expression,
            0.0,
        )

    def against(self, neutral: np.ndarray) -> "StyleClip":
        """The same performance, told apart from the person's neutral face.

        Args:
            neutral: (68, 3) canonical landmarks of the same person at ease.
        """
        canonical = to_canonical(self.clip.landmarks, fit_pose(self.clip.landmarks, neutral))
        # Lips that part all the time are speech; a mood is what else the face does.
        rest_expression = lips_together(resting_face(canonical) - neutral)
        rest_expression[EYES] = 0
        open_now, open_at_ease = (float(np.median(_lid_gap(face))) for face in (canonical, neutral[None]))
        eyelid_offset = float(np.clip(1 - open_now / open_at_ease, 0, 0.5))
        return replace(self, rest_expression=rest_expression.astype(np.float32), eyelid_offset=eyelid_offset)


def read_style_clip(path: Path, neutral: Path | None = None, progress: Progress = no_progress) -> StyleClip:
    """Look at a clip of one person who speaks or sings.

    Args:
        path: a video with sound, of 1.5 s at least; from 5 s on it tells enough, and 5 minutes are looked at.
        neutral: a picture or a clip of the same person with a face at ease. Without it, what the face shows all the
            time (a smile, a frown) cannot be told from its shape, and is left out.
        progress: called with (frames seen, frames in all, by the file's own account).

    Raises:
        StyleError: what is wrong with the clip, and what to do.
    """
    if not path.is_file():
        raise StyleError(f"{path}: no such file; name a video of one person who speaks")
    at_ease = None if neutral is None else read_neutral(neutral)  # first, since it is quick to refuse
    try:
        tracked = track_clip(path, LONGEST, progress or no_progress)
    except UnusableClipError as error:
        raise StyleError(f"{path}: {error.reason} ({error.note}); {_MEND.get(error.reason, _MEND_ELSE)}") from None
    if tracked.seconds >= LONGEST:
        _log.warning("%s: only the first %.0f s are looked at", path, LONGEST)
    sound = tracked.arrays["samples"].astype(np.float32) / 32767
    times, landmarks = tracked.arrays["times"], tracked.arrays["landmarks"]
    heard = _within(times, sound)
    first, last = longest_shot(times[heard], landmarks[heard])
    times, landmarks = times[heard][first:last], landmarks[heard][first:last]
    seconds = _length(times)
    if seconds < SHORTEST - 1e-6:
        raise StyleError(
            f"{path}: too short ({seconds:.2f} s of one face without a cut, with sound); "
            f"name a clip of {SHORTEST} s or more, best of 10 s"
        )
    if last - first < heard.sum():
        _log.warning(
            "%s: cut to the longest stretch that shows one face without a cut, %.2f s from %.2f s on",
            path,
            seconds,
            times[0],
        )
    if seconds < SHORT - 1e-6:
        _log.warning("%s: %.1f s tell little of a manner; from %.0f s on it is told better", path, seconds, SHORT)
    offsets, rest, pose = disentangle(landmarks)
    if lip_distance(offsets + rest).std() < FROZEN:
        raise StyleError(f"{path}: a frozen picture, the mouth never moves; name a clip of someone who speaks")
    samples, moments = _cut(sound, times)
    if np.abs(samples).max() < SILENCE:
        raise StyleError(f"{path}: no sound (it is silent while the face is seen); {_MEND['no sound']}")
    lag, sync_confidence = load_sync_model(shipped_sync_model()).measure(samples, moments, landmarks)
    if sync_confidence < IN_SYNC:
        _log.warning(
            "%s: the lips hardly follow the sound (%.2f of 1); is it this person's voice?", path, sync_confidence
        )
    # The sound is cut anew, so that no face is held still where the lag has moved the picture out of it.
    kept = _within(times + lag, sound)
    filmed = times[kept]
    samples, moments = _cut(sound, filmed + lag)
    pose = Pose(pose.rotation[kept], pose.translation[kept], pose.scale[kept])
    clip = PreparedClip(
        Clip(path, path.name, path.stem, "eval", "", ""), moments, landmarks[kept], pose, samples,
        log_mel(samples), lag, sync_confidence,
    )  # fmt: skip
    style_clip = replace(StyleClip.from_prepared(clip), filmed=filmed, sha256=_sha256(path))
    return style_clip if at_ease is None else style_clip.against(at_ease)


def _within(times: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """Which of the frames at `times` (T,) seconds have sound, (T,) bool."""
    return (times >= 0) & (times <= len(sound) / SAMPLE_RATE)


def _length(times: np.ndarray) -> float:
    """Seconds from the first frame to the end of the last."""
    return float(times[-1] - times[0] + np.median(np.diff(times))) if len(times) > 1 else 0.0


def _cut(sound: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sound (N,) from the first frame to the end of the last, levelled, and the times (T,) on its own clock."""
    start = int(times[0] * SAMPLE_RATE)
    stop = int((times[0] + _length(times)) * SAMPLE_RATE)
    levelled = normalise_loudness(Waveform(sound[start:stop], SAMPLE_RATE))
    return levelled.samples, times - start / SAMPLE_RATE


def read_neutral(path: Path) -> np.ndarray:
    """The resting face (68, 3), canonical space, of a picture or a clip.

    Raises:
        StyleError: if the clip shows no face.
        PortraitError: if the picture cannot be read or shows no face.
    """
    if is_video(path):
        try:
            return disentangle(track_clip(path, LONGEST).arrays["landmarks"])[1]
        except UnusableClipError as error:
            raise StyleError(f"{path}: {error.reason} ({error.note}); {_MEND.get(error.reason, _MEND_ELSE)}") from None
    with FaceTracker() as tracker:
        faces = tracker.detect(load_picture(path, None))
    if not faces:
        raise StyleError(f"{path}: no face found; name a picture that shows the face from the front")
    landmarks = faces[0].landmarks[None]
    return to_canonical(landmarks, fit_pose(landmarks))[0]


def longest_shot(times: np.ndarray, landmarks: np.ndarray) -> tuple[int, int]:
    """The longest stretch of frames in which one face stays in sight without a cut.

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
    # Where frames are further apart than a 25th of a second, a face may move further.
    apart = np.maximum(np.diff(times) * 25, 1)
    cut = (moved > apart * max(CUT, CUT_TIMES * float(np.median(moved)))) | (np.diff(times) > GAP)
    borders = np.concatenate([[0], np.flatnonzero(cut) + 1, [len(times)]])
    longest = int(np.diff(borders).argmax())
    return int(borders[longest]), int(borders[longest + 1])


def head_sways(clip: PreparedClip) -> np.ndarray:
    """Standard deviations (5,) of the head's motion, in the directions of `HeadModel`."""
    path, _ = head_path(clip)
    return path.std(0)


def pose_at(clip: PreparedClip, moments: np.ndarray) -> np.ndarray:
    """Rotation vectors (N, 3) of the head at moments in seconds."""
    pose: Pose = clip.pose
    return resample(pose.rotation, clip.times, moments)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _lid_gap(faces: np.ndarray) -> np.ndarray:
    """How far the lids are apart, (T, 68, 3) -> (T,)."""
    return np.linalg.norm(faces[:, LID_PAIRS[:, 0]] - faces[:, LID_PAIRS[:, 1]], axis=-1).mean(1)


_MEND_ELSE = "name a video of one person who speaks"
_MEND = {
    "no face": "name a clip that shows one face from the front throughout",
    "several faces": "crop or cut it to one person",
    "no sound": "name a clip with its voice",
    "too short": f"name a clip of {SHORTEST} s or more, best of 10 s",
    "face too small": "crop it to the face, or name one of higher resolution",
    "unreadable": "check that it is a whole video file",
}
