"""How fast this machine animates: a photograph with a synthesised voice, as a file and live."""

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

from rhapsode.animator import Animator
from rhapsode.compute import cpu_count, cpu_name, peak_rss_mb
from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import SAMPLE_RATE, Waveform, resample
from rhapsode.media.writer import write_video
from rhapsode.motion.stream import MotionStream
from rhapsode.motion.timeline import FrameMotion, FrameTimeline
from rhapsode.options import AnimationOptions
from rhapsode.paint.layers import mouth_layers
from rhapsode.progress import Progress, no_progress
from rhapsode.render.renderer import Renderer
from rhapsode.render.rig import PosedFace
from rhapsode.style.motion_model import styled_motion_model
from rhapsode.tools.example import example_picture
from rhapsode.video import Video

SENTENCE = "Good evening. This face is a single photograph, and a small synthesiser lends it a voice."
_FPS = 25
#: Frames of each stage that are timed, after warm-up frames, after skipped ones that are silent.
_FRAMES, _WARM_UP, _SKIPPED = 60, 5, 10
#: Samples that a session gets at once, 20 ms.
_CHUNK = SAMPLE_RATE // 50

Result = TypeVar("Result")


@dataclass(frozen=True)
class Figures:
    """Figures of a machine, medians of several runs.

    Attributes:
        fps_512, fps_1080p: frames a second of a video of 512 x 512 and of 1080 x 1920, from sound to finished file.
        motion_ms, draw_ms, paint_ms, encode_ms: milliseconds a frame of 512 x 512, each stage by itself.
        first_frame_ms: from the first sound to the first frame, with sound that arrives in real time.
        latency_ms: from the arrival of the 20 ms of sound that a frame belongs to, until the frame is there.
        setup_ms: from a portrait whose face is cached to a session, in a fresh process.
        setup_new_ms: the same for a portrait that is not cached.
        import_ms: importing `rhapsode.animator` in a fresh interpreter.
        peak_rss_mb: peak memory of a process with a session, 10^6 bytes.
        threads: number of threads that rendered frames.
        processors: number of usable cores.
        machine, python: name of the processor, version of Python.
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


def measure(runs: int = 3, threads: int | None = None, progress: Progress = no_progress) -> Figures:
    """Measure this machine.

    Args:
        runs: each figure is the median of so many runs.
        threads: number of threads that render frames, as in `Animator.from_pretrained`.
        progress: watches; each stage is told when it begins.
    """
    # Import and sessions are measured in fresh processes, as a user meets them.
    progress("import", 0, runs)
    import_ms = statistics.median(in_a_process(_IMPORT)[0] for _ in range(runs))
    progress("sessions", 0, runs)
    with tempfile.TemporaryDirectory() as folder:
        caches = [Path(folder) / str(number) for number in range(runs)]
        new = [in_a_process(_SESSION, cache) for cache in caches]
        again = [in_a_process(_SESSION, cache) for cache in caches]
    setup_new, *_ = _medians(new)
    setup, first, latency, peak = _medians(again)
    animator, square = Animator.from_pretrained(threads=threads), example_picture()
    sound = resample(synthesise(SENTENCE), SAMPLE_RATE)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "bench.mp4"
        progress("512 x 512", 0, runs)
        video = animator.animate(square, sound, AnimationOptions(fps=_FPS))
        fps_512 = statistics.median(saved_fps(video, out) for _ in range(runs))
        progress("1080 x 1920", 0, runs)
        large = animator.animate(upright(square), sound, AnimationOptions(fps=_FPS))
        fps_1080p = statistics.median(saved_fps(large, out) for _ in range(runs))
        progress("stages", 0, runs)
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
    """Take the median of each column."""
    return [statistics.median(column) for column in zip(*rows, strict=True)]


_IMPORT = "import time; t = time.perf_counter(); import rhapsode.animator; print(1000 * (time.perf_counter() - t))"
_SESSION = "from rhapsode.tools.benchmark import session; print(*session())"


def in_a_process(code: str, cache: Path | None = None) -> list[float]:
    """Read the numbers that a fresh interpreter prints; its face cache is `cache`, or the user's where None."""
    environment = os.environ | ({} if cache is None else {"RHAPSODE_CACHE": str(cache)})
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return [float(word) for word in ran.stdout.split()]


def upright(square: np.ndarray) -> np.ndarray:
    """Crop and enlarge a picture of 512 x 512 pixels to 1080 x 1920."""
    return cv2.resize(square[:, 112:400], (1080, 1920), interpolation=cv2.INTER_CUBIC)


def saved_fps(video: Video, out: Path) -> float:
    """Measure the frames a second with which a video is rendered and written."""
    took, facts = timed(lambda: video.save(out))
    return 1000 * facts.frames / took


def stages_ms(animator: Animator, picture: np.ndarray, sound: Waveform, out: Path) -> tuple[float, float, float, float]:
    """Measure motion, drawing, painting and encoding in ms a frame, each by itself and on one thread.

    Args:
        animator: has the models.
        picture: (H, W, 3) uint8 RGB.
        sound: 16 kHz mono.
        out: video to write.
    """
    portrait = animator.load_portrait(picture)
    painter = portrait.painter()
    stream = MotionStream(styled_motion_model(animator.speech, animator.head), portrait.rest)
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
    """Measure a session of 512 x 512: setup, time to the first frame, median latency (ms), and peak memory (MB)."""
    animator, picture = Animator.from_pretrained(), example_picture()
    samples = resample(synthesise(SENTENCE), SAMPLE_RATE).samples.astype(np.float32)
    setup, session = timed(lambda: animator.start_session(picture, AnimationOptions(fps=_FPS)))
    clock, first, late = 0.0, 0.0, []
    for start in range(0, len(samples), _CHUNK):
        piece = samples[start : start + _CHUNK]
        # Nothing waits: a simulated clock advances to the arrival of the piece, then by the time that the work takes.
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
    """Measure a call in milliseconds; gives its result too."""
    began = time.perf_counter()
    result = work()
    return 1000 * (time.perf_counter() - began), result
