"""Head motion of a clip, as the head model is trained on it."""

import numpy as np
from scipy.signal import savgol_filter
from scipy.spatial.transform import Rotation

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.audio.voice_activity import voice_activity
from rhapsode.data.store import PreparedClip
from rhapsode.face.expression import disentangle, resample
from rhapsode.face.geometry import SKULL_BASE, to_image
from rhapsode.motion.head import HEAD_RATE

#: Half the window of the smoothing, seconds: the tracker jitters faster than heads move.
_SMOOTHING = 0.15


def head_path(clip: PreparedClip) -> tuple[np.ndarray, np.ndarray]:
    """Measure the head motion of a clip about its mean pose, at 10 Hz.

    Returns:
        (N, 5) rotation vector (radians) and shift of the skull base (canonical units) as in `HeadModel`; and (N,) voice
        activity, 0 to 1.
    """
    _, _, pose = disentangle(clip.landmarks)
    unit = float(np.median(pose.scale))
    turned = Rotation.from_rotvec(pose.rotation)
    rotation = (turned * turned.mean().inv()).as_rotvec()
    base = to_image(np.broadcast_to(SKULL_BASE, (len(pose.scale), 1, 3)), pose)[:, 0, :2] / unit
    path = np.concatenate([rotation, base - base.mean(0)], axis=1)
    fps = 1 / float(np.median(np.diff(clip.times)))
    path = savgol_filter(path, 2 * round(_SMOOTHING * fps) + 1, 2, axis=0)
    times = np.arange(clip.times[0], clip.times[-1], 1 / HEAD_RATE)
    voice = voice_activity(clip.samples)
    sounding = np.interp(times, np.arange(len(voice)) / MOTION_RATE, voice)
    return resample(path, clip.times, times), sounding
