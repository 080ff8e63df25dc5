"""Frames and their sound to a finished video."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.error import FFmpegError

from rhapsode.errors import RhapsodeError, VideoError
from rhapsode.media.encoder import FrameEncoder, Sound, open_sound
from rhapsode.media.formats import H264
from rhapsode.media.outputs import sink_for
from rhapsode.media.sinks import Sink, Target
from rhapsode.media.source import Piped
from rhapsode.media.waveform import Waveform
from rhapsode.progress import Progress, no_progress

_QUEUE = 4  # frames between renderer and encoder: enough to even out their pace, 3 MB at 512 px
_LARGEST_TIMESCALE = 2**31 - 1


@dataclass(frozen=True)
class VideoFacts:
    """Tell what was written.

    Attributes:
        frames: number of frames.
        fps: frames per second.
        seconds: length of the picture.
        bytes: size of the file or stream.
        voice_seconds: seconds in which a voice was heard and the mouth moved; None where nothing listened.
    """

    frames: int
    fps: Fraction
    seconds: float
    bytes: int
    voice_seconds: float | None = None


def write_video(
    frames: Iterable[np.ndarray],
    sink: Sink | str | Path,
    fps: Fraction | int,
    audio: str | Path | Piped | Waveform | Sound | None = None,
    *,
    comment: str = "",
    progress: Progress = no_progress,
    n_frames: int = 0,
) -> VideoFacts:
    """Write frames and their sound, holding a few frames and a block of sound in memory.

    Picture and sound are encoded as the name of the file says (`media.formats`): H.264 and AAC in an MP4. Colours are
    BT.709, limited range; every frame is given the exact time k / fps. An odd size that the format cannot hold is made
    even by repeating the last column or row. The sound begins at time 0 and is decoded in step with the picture, at
    the file's own rate (up to 48 kHz) and channels (up to two), loudness untouched, up to the end of the last frame.
    Encoding runs beside the rendering of the next frames. A warning is logged where size and rate are more than most
    players take.

    Whatever `frames`, `progress` or a hook of the sink raises discards the video and passes through.

    Args:
        frames: (H, W, 3) uint8 RGB, or (H, W, 4) RGBA, all of one size; each is copied at once and may be reused.
        sink: where to write; a path is taken by its ending (`outputs.sink_for`).
        fps: frames per second, as an exact fraction such as Fraction(30000, 1001).
        audio: a file with sound, what a pipe gave, a sound in memory, one that was opened (`encoder.open_sound`) at a
            rate of the sink, or None for a silent video.
        comment: added to the metadata after the notice that the video is made (`encoder.notice`).
        progress: called with the stage `frames`: before the first, after each, and with their true number at the end.
        n_frames: number of frames, for `progress` and the sink; an estimate, or 0 where nothing is known.

    Returns:
        The facts of the finished video.

    Raises:
        VideoError: unknown ending, folder missing or not writable, disk full, stream closed, no frames, or
            frames of a wrong kind.
        AudioError: the audio file cannot be read.
        Cancelled: `progress` has stopped the work.
    """
    fps = _checked_rate(fps)
    sink = sink if not isinstance(sink, str | Path) else sink_for(sink)
    sink.check(fps)
    # Before any frame is rendered: a bad file should not cost a rendering.
    sound = audio if audio is None or isinstance(audio, Sound) else open_sound(audio, rates=sink.rates or H264.rates)
    if not sink.rates:
        sound = None
    try:
        with sink.open(float(n_frames / fps)) as target:
            try:
                count = _encode(_watched(frames, progress, n_frames), target, fps, sound, comment, sink.name)
            except (FFmpegError, OSError) as error:
                # Errors of the caller's own frames are wrapped, so this is the encoder or the disk.
                raise sink.explain(error) from error
    except _CallerError as wrapped:
        raise wrapped.error from None
    return VideoFacts(count, fps, float(count / fps), target.written)


class _CallerError(Exception):
    """Carry an error of the caller's own frames or progress past the handling of the encoder's errors."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _watched(frames: Iterable[np.ndarray], progress: Progress, n_frames: int) -> Generator[np.ndarray, None, None]:
    """Yield the caller's frames and tell progress; errors of either are wrapped."""
    try:
        progress("frames", 0, n_frames)
        done = 0
        for done, frame in enumerate(frames, start=1):
            yield frame
            progress("frames", done, max(n_frames, done) if n_frames else 0)
        progress("frames", done, done)
    except RhapsodeError:
        raise
    except Exception as error:
        raise _CallerError(error) from error


def _encode(
    frames: Generator[np.ndarray, None, None],
    target: Target,
    fps: Fraction,
    sound: Sound | None,
    comment: str,
    name: str,
) -> int:
    """Feed an encoder that works in a thread; gives the number of frames."""
    pending: deque[Future[None]] = deque()
    encoder: FrameEncoder | None = None
    pool = ThreadPoolExecutor(1, thread_name_prefix="rhapsode-encoder")
    try:
        count = 0
        size: tuple[int, ...] = ()
        for array in frames:
            _check_frame(array, size, count, name)
            if encoder is None:
                size = array.shape
                encoder = target.start((size[0], size[1], size[2]), fps, sound, comment)
            if len(pending) >= _QUEUE:
                pending.popleft().result()
            pending.append(pool.submit(encoder.add, array.copy(), count))
            count += 1
        if encoder is None:
            raise VideoError(f"{name}: there are no frames to write", "check that the sound is not empty", "no-frames")
        pending.append(pool.submit(encoder.finish))
        while pending:
            pending.popleft().result()
        return count
    except BaseException:
        pool.shutdown(wait=True, cancel_futures=True)
        if encoder is not None:
            encoder.discard()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        frames.close()
        if sound is not None and hasattr(sound.blocks, "close"):
            sound.blocks.close()


def _checked_rate(fps: Fraction | int) -> Fraction:
    fps = Fraction(fps)
    if fps <= 0 or max(fps.numerator, fps.denominator) > _LARGEST_TIMESCALE:
        raise VideoError(
            f"cannot write {float(fps):g} frames per second", "pass an exact fraction such as 30000/1001", "bad-rate"
        )
    return fps


def _check_frame(array: np.ndarray, size: tuple[int, ...], index: int, name: str) -> None:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] not in (3, 4) or 0 in array.shape:
        raise VideoError(
            f"{name}: frame {index} is {array.dtype} {array.shape}",
            "frames must be uint8, (H, W, 3) RGB or (H, W, 4) RGBA",
            "bad-frame",
        )
    if size and array.shape != size:
        raise VideoError(
            f"{name}: frame {index} is {array.shape[1]} x {array.shape[0]}, those before it {size[1]} x {size[0]}",
            "give all frames one size",
            "bad-frame",
        )
