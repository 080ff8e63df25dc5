"""A finished video: H.264 and AAC in an MP4 that browsers play, whole or not there at all."""

import errno
import os
import secrets
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    Interpolation,
    VideoReformatter,
)
from av.video.stream import VideoStream

from rhapsode.errors import RhapsodeError, VideoError
from rhapsode.media.sound import sound_blocks, sound_info
from rhapsode.media.waveform import Waveform

SYNTHETIC_NOTICE = "Made with Rhapsode: a synthetic talking head"
"""Stands in the metadata of every video, so that a result says that it is made."""

CRF = 18
"""Constant rate factor: visually lossless at 512 px (48 dB luma PSNR)."""

PRESET = "veryfast"
"""At 512 px 3.3 ms of one core a frame, a third of the size of "ultrafast" (1.2 ms) at the same quality."""

_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov"}
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_BITS_PER_CHANNEL = {1: 128_000, 2: 96_000}
_QUEUE = 4  # frames between renderer and encoder: enough to even out their pace, 3 MB at 512 px
_LARGEST_TIMESCALE = 2**31 - 1


@dataclass(frozen=True)
class VideoFacts:
    """What was written: number of frames, frames a second, length in seconds, size in bytes."""

    frames: int
    fps: Fraction
    seconds: float
    bytes: int


def write_video(
    frames: Iterable[np.ndarray],
    out: str | Path,
    fps: Fraction | int,
    audio: str | Path | Waveform | None = None,
    *,
    comment: str = "",
    preset: str = PRESET,
) -> VideoFacts:
    """Write frames and their sound as an MP4, one frame in memory at a time.

    Picture: H.264, yuv420p, BT.709, limited range; every frame is given the exact time k / fps. An odd size
    is made even by repeating the last column or row. Sound: AAC from time 0, decoded in step with the
    picture, at the file's own rate (up to 48 kHz) and channels (up to two), loudness untouched, up to the end
    of the last frame. The index stands in front (faststart). Encoding runs beside the rendering of the next
    frames.

    The file is written under a hidden name in the same folder and renamed when it is whole; when anything
    fails, Ctrl-C included, nothing is left and a file that stood under the name before stays as it was.

    Args:
        frames: (H, W, 3) uint8 RGB arrays, all of one size; each is copied at once and may be reused.
        out: file to write, ending in .mp4, .m4v or .mov.
        fps: frames a second, as an exact fraction such as Fraction(30000, 1001).
        audio: a file with sound, a waveform, or None for a silent video.
        comment: added to the metadata after `SYNTHETIC_NOTICE`.
        preset: libx264's trade of time for size.

    Returns:
        The facts of the finished file.

    Raises:
        VideoError: unknown ending, folder missing or not writable, disk full, no frames, or frames of a wrong
            kind.
        AudioError: the audio file cannot be read.
    """
    out = Path(out)
    fps = _checked_rate(fps)
    container_format = _checked_format(out)
    sound = _open_sound(audio)  # before any frame is rendered: a bad file should not cost a rendering
    part = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        _create(part, out)
        count = _encode(frames, part, container_format, fps, sound, comment, preset, out.name)
        size = part.stat().st_size
        part.replace(out)
    except (FFmpegError, OSError) as error:
        # What the caller's own frames raise comes out of _encode wrapped, so this is the encoder or the disk.
        raise _write_error(error, out) from error
    except _FrameSourceError as wrapped:
        raise wrapped.error from None
    finally:
        with suppress(OSError):  # what went wrong is told already
            part.unlink(missing_ok=True)
    return VideoFacts(count, fps, float(count / fps), size)


class _FrameSourceError(Exception):
    """Carries an error of the caller's own frames past the handling of the encoder's errors."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True)
class _Sound:
    """A sound to encode: its rate and channels in the result, and its (channels, n) float32 blocks."""

    rate: int
    channels: int
    blocks: Iterator[np.ndarray]


def _encode(
    frames: Iterable[np.ndarray],
    part: Path,
    container_format: str,
    fps: Fraction,
    sound: _Sound | None,
    comment: str,
    preset: str,
    name: str,
) -> int:
    """Feed a worker thread with frames; gives their number."""
    pending: deque[Future[None]] = deque()
    encoder: _Encoder | None = None
    pool = ThreadPoolExecutor(1, thread_name_prefix="rhapsode-encoder")
    try:
        count = 0
        size: tuple[int, ...] = ()
        for array in _guarded(frames):
            _check_frame(array, size, count, name)
            if encoder is None:
                size = array.shape
                encoder = _Encoder(part, container_format, size, fps, sound, comment, preset)
            # Copied whole: PyAV's own copy goes row by row.
            frame = VideoFrame.from_numpy_buffer(_even(array).copy(), format="rgb24")
            if len(pending) >= _QUEUE:
                pending.popleft().result()
            pending.append(pool.submit(encoder.add, frame, count))
            count += 1
        if encoder is None:
            raise VideoError(f"{name}: there are no frames to write; check that the sound is not empty")
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
        if sound is not None and hasattr(sound.blocks, "close"):
            sound.blocks.close()


class _Encoder:
    """An open file with its streams; all calls come from one thread at a time."""

    def __init__(
        self,
        part: Path,
        container_format: str,
        size: tuple[int, ...],
        fps: Fraction,
        sound: _Sound | None,
        comment: str,
        preset: str,
    ) -> None:
        self.fps = fps
        self.converter = VideoReformatter()
        self.container = av.open(str(part), "w", format=container_format, options={"movflags": "+faststart"})
        self.container.metadata["title"] = SYNTHETIC_NOTICE
        self.container.metadata["comment"] = f"{SYNTHETIC_NOTICE}. {comment}" if comment else SYNTHETIC_NOTICE
        self.video = _add_video(self.container, size, fps, preset)
        self.sound = None if sound is None else _SoundFeed(self.container, sound)

    def add(self, frame: VideoFrame, index: int) -> None:
        """Encode frame `index`, and the sound up to its end."""
        yuv = self.converter.reformat(
            frame,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.AREA,
            threads=1,
        )
        yuv.pts, yuv.time_base = index, 1 / self.fps
        self.container.mux(self.video.encode(yuv))
        if self.sound is not None:
            self.sound.advance((index + 1) / self.fps)

    def finish(self) -> None:
        """Write out what the encoders hold back, and the index."""
        if self.sound is not None:
            self.sound.finish()
        self.container.mux(self.video.encode(None))
        self.container.close()

    def discard(self) -> None:
        """Close a file that has failed."""
        # Closing tries to write the index, which may well fail for the reason that is being reported already.
        with suppress(FFmpegError, OSError):
            self.container.close()


class _SoundFeed:
    """Encodes a sound up to a given time, so that it runs in step with the picture."""

    def __init__(self, container: OutputContainer, sound: _Sound) -> None:
        self.container = container
        self.sound = sound
        self.stream: AudioStream = container.add_stream("aac", rate=sound.rate)
        self.stream.layout = _layout(sound.channels)
        # AAC holds at most 6 bits a sample and channel; low rates need no more than 4.
        bits = min(_BITS_PER_CHANNEL[sound.channels], 4 * sound.rate) * sound.channels
        self.stream.bit_rate = bits
        self.sent = 0
        self.held = np.zeros((sound.channels, 0), np.float32)

    def advance(self, seconds: Fraction) -> None:
        """Encode all samples before `seconds`."""
        wanted = round(seconds * self.sound.rate) - self.sent
        while wanted > 0:
            if not self.held.shape[1]:
                block = next(self.sound.blocks, None)
                if block is None:
                    return
                self.held = block
                continue
            piece, self.held = self.held[:, :wanted], self.held[:, wanted:]
            frame = AudioFrame.from_ndarray(
                np.ascontiguousarray(piece), format="fltp", layout=_layout(self.sound.channels)
            )
            frame.sample_rate = self.sound.rate
            frame.pts, frame.time_base = self.sent, Fraction(1, self.sound.rate)
            self.container.mux(self.stream.encode(frame))
            self.sent += piece.shape[1]
            wanted -= piece.shape[1]

    def finish(self) -> None:
        """Write out what the encoder holds back."""
        if self.sent:
            self.container.mux(self.stream.encode(None))


def _add_video(container: OutputContainer, size: tuple[int, ...], fps: Fraction, preset: str) -> VideoStream:
    stream: VideoStream = container.add_stream("libx264", rate=fps, options={"preset": preset, "crf": str(CRF)})
    stream.height, stream.width = size[0] + size[0] % 2, size[1] + size[1] % 2
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = 1 / fps
    stream.codec_context.colorspace = int(Colorspace.ITU709)
    stream.codec_context.color_range = int(ColorRange.MPEG)
    stream.codec_context.color_primaries = int(ColorPrimaries.BT709)
    stream.codec_context.color_trc = int(ColorTrc.BT709)
    return stream


def _open_sound(audio: str | Path | Waveform | None) -> _Sound | None:
    if audio is None:
        return None
    if isinstance(audio, Waveform):
        if audio.rate in _AAC_RATES:
            return _Sound(audio.rate, 1, iter([audio.samples[None].astype(np.float32, copy=False)]))
        from rhapsode.media.waveform import resample

        return _open_sound(resample(audio, _aac_rate(audio.rate)))
    info = sound_info(audio)
    rate, channels = _aac_rate(info.rate), min(2, info.channels)
    return _Sound(rate, channels, sound_blocks(audio, rate, channels))


def _aac_rate(rate: int) -> int:
    """The rate itself where AAC knows it, else the next higher one, at most 48 kHz."""
    return next((known for known in _AAC_RATES if known >= rate), _AAC_RATES[-1])


def _layout(channels: int) -> str:
    return "mono" if channels == 1 else "stereo"


def _checked_rate(fps: Fraction | int) -> Fraction:
    fps = Fraction(fps)
    if fps <= 0 or max(fps.numerator, fps.denominator) > _LARGEST_TIMESCALE:
        raise VideoError(f"cannot write {float(fps):g} frames a second: pass an exact fraction such as 30000/1001")
    return fps


def _checked_format(out: Path) -> str:
    container_format = _FORMATS.get(out.suffix.lower())
    if container_format is None:
        raise VideoError(f"{out.name}: unknown kind of video {out.suffix!r}; end the name in {', '.join(_FORMATS)}")
    if out.is_dir():
        raise VideoError(f"{out.name}: is a folder; name a file")
    if not out.parent.is_dir():
        raise VideoError(f"{out.name}: no such folder {str(out.parent)!r}; create it first")
    return container_format


def _create(part: Path, out: Path) -> None:
    """Claim the temporary name, which shows at once whether the folder can be written to."""
    try:
        part.touch(exist_ok=False)
    except OSError as error:
        raise _write_error(error, out) from error


def _write_error(error: Exception, out: Path) -> VideoError:
    code = getattr(error, "errno", None)
    if code in (errno.ENOSPC, errno.EDQUOT):
        return VideoError(f"{out.name}: no room left on the disk; free some space or choose another folder")
    if code == errno.EFBIG:
        return VideoError(f"{out.name}: larger than files may be here; choose another folder")
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        return VideoError(f"{out.name}: the folder {str(out.parent)!r} is not writable; choose another folder")
    reason = os.strerror(code) if isinstance(code, int) and code > 0 else str(error)
    return VideoError(f"{out.name}: the video cannot be written ({reason}); check the size and the folder")


def _guarded(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the caller's frames, their errors marked so as not to be taken for the encoder's."""
    try:
        yield from frames
    except RhapsodeError:
        raise
    except Exception as error:
        raise _FrameSourceError(error) from error


def _check_frame(array: np.ndarray, size: tuple[int, ...], index: int, name: str) -> None:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise VideoError(f"{name}: frame {index} is {array.dtype} {array.shape}; frames must be uint8 RGB (H, W, 3)")
    if size and array.shape != size:
        raise VideoError(
            f"{name}: frame {index} is {array.shape[1]} x {array.shape[0]}, those before it "
            f"{size[1]} x {size[0]}; all frames must have one size"
        )


def _even(array: np.ndarray) -> np.ndarray:
    """Repeat the last row and column of an odd size, which yuv420p cannot hold."""
    height, width = array.shape[:2]
    if height % 2 or width % 2:
        array = np.pad(array, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(array)
