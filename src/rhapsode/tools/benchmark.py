"""How fast this machine makes portraits speak, by a picture that comes with scikit-image and a synthesised voice."""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import skimage.data

from rhapsode.animator import Animator
from rhapsode.compute import cpu_count, cpu_name, peak_rss_mb
from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import SAMPLE_RATE, Waveform, resample
from rhapsode.media.writer import write_video
from rhapsode.motion.stream import MotionStream, StyledMotionModel
from rhapsode.motion.timeline import FrameMotion, FrameTimeline
from rhapsode.options import AnimationOptions
from rhapsode.paint.layers import mouth_layers
from rhapsode.render.renderer import Renderer
from rhapsode.render.rig import PosedFace
from rhapsode.video import Video

SENTENCE = "Good evening. This face is a single photograph, and a small synthesiser lends it a voice."
_FPS = 25
#: Frames of each stage that are timed, after a few that are not, and some more that are silent.
_FRAMES, _WARM_UP, _SKIPPED = 60, 5, 10
#: Samples that a session is fed at once, 20 ms.
_CHUNK = SAMPLE_RATE // 50

Result = TypeVar("Result")


@dataclass(frozen=True)
class Figures:
    """What was measured; medians of several runs.

    Attributes:
        fps_512, fps_1080p: frames a second of a video, 512 x 512 and 1080 x 1920, from the sound to the finished file.
        motion_ms, draw_ms, paint_ms, encode_ms: of one frame of 512 x 512, each stage by itself.
        first_frame_ms: from the first sound to the first frame, sound that arrives as it is spoken.
        latency_ms: from the arrival of the 20 ms of sound that a frame belongs to, to the frame.
        setup_ms: from a portrait that was opened before to a session, in a fresh process.
        setup_new_ms: the same of one that was never seen.
        import_ms: a fresh interpreter that imports `rhapsode.animator`.
        peak_rss_mb: most memory held by a process that has a session, 10^6 bytes.
        threads: that made frames.
        processors: that can be used here.
        machine, python: what it ran on.
    """

    fps_512: float
    fps_1080p: float
    motion_ms: float
    draw_ms: float
    paint_ms: float
    encode_ms: float
    first_frame_ms: float
    latency_ms: float
    setup_ms: float
    setup_new_ms: float
    import_ms: float
    peak_rss_mb: float
    threads: int
    processors: int
    machine: str
    python: str


def measure(runs: int = 3, threads: int | None = None, progress: Callable[[str], None] | None = None) -> Figures:
    """Measure this machine.

    Args:
        runs: of which each figure is the median.
        threads: that make frames, as in `Animator.from_pretrained`.
        progress: called with the name of what is measured next.
    """
    tell = progress or (lambda what: None)
    # Each of these stands in a fresh process, as a user meets it.
    tell("import")
    import_ms = statistics.median(in_a_process(_IMPORT)[0] for _ in range(runs))
    tell("sessions")
    with tempfile.TemporaryDirectory() as folder:
        caches = [Path(folder) / str(number) for number in range(runs)]
        new = [in_a_process(_SESSION, cache) for cache in caches]
        again = [in_a_process(_SESSION, cache) for cache in caches]
    setup_new, *_ = _medians(new)
    setup, first, latency, peak = _medians(again)
    animator, square = Animator.from_pretrained(threads=threads), np.asarray(skimage.data.astronaut())
    sound = resample(synthesise(SENTENCE), SAMPLE_RATE)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "bench.mp4"
        tell("512 x 512")
        video = animator.animate(square, sound, AnimationOptions(fps=_FPS))
        fps_512 = statistics.median(saved_fps(video, out) for _ in range(runs))
        tell("1080 x 1920")
        large = animator.animate(upright(square), sound, AnimationOptions(fps=_FPS))
        fps_1080p = statistics.median(saved_fps(large, out) for _ in range(runs))
        tell("progress")
        motion, draw, paint, encode = _medians([stages_ms(animator, square, sound, out) for _ in range(runs)])
    figures = {
        "fps_512": fps_512,
        "fps_1080p": fps_1080p,
        "motion_ms": motion,
        "draw_ms": draw,
        "paint_ms": paint,
        "encode_ms": encode,
        "first_frame_ms": first,
        "latency_ms": latency,
        "setup_ms": setup,
        "setup_new_ms": setup_new,
        "import_ms": import_ms,
        "peak_rss_mb": peak,
    }
    return Figures(
        **{name: round(value, 2) for name, value in figures.items()},
        threads=video.threads,
        processors=cpu_count(),
        machine=cpu_name(),
        python=platform.python_version(),
    )


def _medians(rows: Sequence[Sequence[float]]) -> list[float]:
    """The median of each column."""
    return [statistics.median(column) for column in zip(*rows, strict=True)]


_IMPORT = "import time; t = time.perf_counter(); import rhapsode.animator; print(1000 * (time.perf_counter() - t))"
_SESSION = "from rhapsode.tools.benchmark import session; print(*session())"


def in_a_process(code: str, cache: Path | None = None) -> list[float]:
    """The numbers that a fresh interpreter prints; `cache`, where it keeps faces, the user's where None."""
    surroundings = os.environ | ({} if cache is None else {"RHAPSODE_CACHE": str(cache)})
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=surroundings)
    return [float(word) for word in ran.stdout.split()]


def upright(square: np.ndarray) -> np.ndarray:
    """A picture of 1080 x 1920 pixels out of one of 512 x 512."""
    return cv2.resize(square[:, 112:400], (1080, 1920), interpolation=cv2.INTER_CUBIC)


def saved_fps(video: Video, out: Path) -> float:
    """Frames a second with which a video is made, its file included."""
    took, facts = timed(lambda: video.save(out))
    return 1000 * facts.frames / took


def stages_ms(animator: Animator, picture: np.ndarray, sound: Waveform, out: Path) -> tuple[float, float, float, float]:
    """Milliseconds a frame of motion, drawing, painting and encoding, each by itself and on one thread.

    Args:
        animator: holds the models.
        picture: (H, W, 3) uint8 RGB.
        sound: 16 kHz mono.
        out: video to write.
    """
    portrait = animator.load_portrait(picture)
    painter = portrait.painter()
    stream = MotionStream(StyledMotionModel(animator.generator, animator.head), portrait.rest)
    took, moments = timed(lambda: list(FrameTimeline(stream, Fraction(_FPS)).of([sound.samples])))
    renderer = Renderer(portrait.measured, mouth_layers(portrait.measured))

    def draw(some: Sequence[FrameMotion]) -> list[np.ndarray]:
        return [renderer.render(*one.motion.first()) for one in some]

    def paint(some: Sequence[PosedFace]) -> None:
        for one in some:
            painter.difference(one)

    first, then = moments[_SKIPPED:][:_WARM_UP], moments[_SKIPPED + _WARM_UP :][:_FRAMES]
    draw(first)
    # The flow of the skin, which both need, is counted with the drawing.
    faces = [portrait.measured.rig.pose(one.motion.expression[0]) for one in [*first, *then]]
    assert all(face.flow for face in faces)
    paint(faces[: len(first)])
    drawing, frames = timed(lambda: draw(then))
    painting, _ = timed(lambda: paint(faces[len(first) :]))
    encoding, _ = timed(lambda: write_video(frames, out, _FPS))
    return took / (sound.seconds * _FPS), drawing / _FRAMES, painting / _FRAMES, encoding / _FRAMES


def session() -> tuple[float, float, float, float]:
    """Setup, time to the first frame and median latency (ms) of a session of 512 x 512, and the memory held (MB)."""
    animator, picture = Animator.from_pretrained(), np.asarray(skimage.data.astronaut())
    samples = resample(synthesise(SENTENCE), SAMPLE_RATE).samples.astype(np.float32)
    setup, session = timed(lambda: animator.start_session(picture, AnimationOptions(fps=_FPS)))
    clock, first, late = 0.0, 0.0, []
    for start in range(0, len(samples), _CHUNK):
        piece = samples[start : start + _CHUNK]
        # Nothing is awaited: a clock of our own goes on to where the piece has arrived, then by what the work takes.
        clock = max(clock, 1000 * (start + len(piece)) / SAMPLE_RATE)
        began = time.perf_counter()
        for frame in session.feed(piece):
            now = clock + 1000 * (time.perf_counter() - began)
            first = first or now
            number = int(frame.time * SAMPLE_RATE) // _CHUNK
            late.append(now - 1000 * (number + 1) * _CHUNK / SAMPLE_RATE)
        clock += 1000 * (time.perf_counter() - began)
    session.close()
    return setup, first, statistics.median(late), peak_rss_mb()


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Milliseconds that a call takes, and what it gives."""
    began = time.perf_counter()
    result = work()
    return 1000 * (time.perf_counter() - began), result
