"""Sound from any file as one clean waveform, on the clock of its file."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError

from rhapsode.errors import AudioError
from rhapsode.media.packets import decode

log = logging.getLogger(__name__)

SAMPLE_RATE = 16_000
"""Samples a second that every model of the project hears."""

TARGET_LUFS = -23.0
"""Loudness that the models hear, after EBU R 128."""

MAX_GAIN_DB = 40.0
"""Most that `normalise_loudness` lifts a faint sound; beyond it there is mostly noise to lift."""

_METER_BLOCK = 0.4  # seconds: the gating block of BS.1770, and so the shortest sound that it measures
# Time stamps of Matroska and FLV are rounded to 1 ms, so only larger steps are taken for a true gap; the
# limit is below one frame of AAC or MP3 (21-26 ms), whose loss must be filled to keep what follows in sync.
_JITTER = Fraction(20, 1000)
# Beyond these a time stamp is taken for broken rather than for hours of silence or for sound to throw away.
_LONGEST_GAP = Fraction(600)
_LONGEST_OVERLAP = Fraction(1)
_CAN_WEIGH = int(av.__version__.split(".")[0]) >= 18


@dataclass(frozen=True)
class Waveform:
    """A mono sound.

    Attributes:
        samples: (N,) float32 in [-1, 1].
        rate: samples a second.

    Raises:
        AudioError: `samples` is not one-dimensional, not of floats, or not finite, or `rate` not positive.
    """

    samples: np.ndarray
    rate: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.rate <= 0:
            raise AudioError(
                f"a waveform needs samples of shape (N,) and a positive rate, "
                f"not {self.samples.shape} at {self.rate} Hz: pass one channel"
            )
        if self.samples.dtype.kind != "f":
            raise AudioError(f"a waveform needs float samples in [-1, 1], not {self.samples.dtype}: scale them first")
        if not np.isfinite(self.samples).all():
            raise AudioError("a waveform needs finite samples, not NaN or Inf: make the sound anew")

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


@dataclass(frozen=True)
class SoundInfo:
    """The form in which a file holds its sound: samples a second, and number of channels."""

    rate: int
    channels: int


def load_waveform(path: str | Path, rate: int = SAMPLE_RATE) -> Waveform:
    """Read the sound of a file as mono float32.

    Reads whatever FFmpeg reads: WAV, MP3, M4A, FLAC, Ogg, Opus, or the audio track of a video (its first).
    Sample 0 is time 0 of the file's clock (see `clock_zero`): encoder delay is cut off, a track that starts
    late is padded with silence, and a hole in the middle is filled with silence, so that sound and picture
    stay in sync. Damaged packets are skipped with a warning. Channels are averaged; a sound that peaks above
    1 is scaled down to 1.

    Args:
        path: the file.
        rate: samples a second of the result.

    Returns:
        The waveform, at least one sample long.

    Raises:
        AudioError: no such file, not media, no audio track, no samples, or samples that are not finite.
    """
    path = Path(path)
    channels = min(2, sound_info(path).channels)
    blocks = list(sound_blocks(path, rate, channels))
    if not any(block.shape[1] for block in blocks):
        raise AudioError(f"{path.name}: the audio track is empty; choose a file that holds sound")
    samples = np.concatenate([block.mean(axis=0, dtype=np.float32) for block in blocks])
    # Lossy decoders overshoot, and float files may be scaled freely: keep the promised range without
    # clipping.
    peak = float(np.abs(samples).max())
    if peak > 1:
        samples /= np.float32(peak)
    return Waveform(samples, rate)


def normalise_loudness(waveform: Waveform, target_lufs: float = TARGET_LUFS) -> Waveform:
    """Bring a sound to one loudness, for a model to hear; a result's own sound is never touched.

    Loudness is measured after ITU-R BS.1770 (pyloudnorm). The gain stops at `MAX_GAIN_DB` and where the peak
    reaches 1; silence (nothing above BS.1770's gate of -70 LUFS) comes back unchanged.

    Args:
        waveform: the sound.
        target_lufs: wanted integrated loudness in LUFS.

    Returns:
        The sound at that loudness, same length and rate.
    """
    import pyloudnorm

    samples = waveform.samples
    if not len(samples) or not samples.any():
        return waveform
    # A sound shorter than one block is measured as if it went on by repeating itself.
    least = int(np.ceil(_METER_BLOCK * waveform.rate)) + 1
    measured = np.resize(samples, max(least, len(samples))).astype(np.float64)
    # A meter that hears nothing above its gate takes the logarithm of 0: -inf is the answer, not a fault.
    with np.errstate(divide="ignore", invalid="ignore"):
        loudness = float(pyloudnorm.Meter(waveform.rate).integrated_loudness(measured))
    if not np.isfinite(loudness):
        return waveform
    gain = 10 ** (min(target_lufs - loudness, MAX_GAIN_DB) / 20)
    gain = min(gain, 1 / float(np.abs(samples).max()))
    return Waveform((samples * np.float32(gain)).clip(-1, 1), waveform.rate)


def resample(waveform: Waveform, rate: int) -> Waveform:
    """Change the rate of a sound; sample 0 stays at time 0.

    Args:
        waveform: the sound.
        rate: samples a second of the result.

    Returns:
        The sound at `rate`, ceil(N * rate / waveform.rate) samples long.
    """
    if rate == waveform.rate:
        return waveform
    from scipy.signal import resample_poly

    ratio = Fraction(rate, waveform.rate)
    samples = resample_poly(waveform.samples, ratio.numerator, ratio.denominator)
    return Waveform(samples.astype(np.float32).clip(-1, 1), rate)


def sound_info(path: str | Path) -> SoundInfo:
    """Look up rate and channels of a file's first audio track.

    Args:
        path: the file.

    Returns:
        Its own rate and number of channels.

    Raises:
        AudioError: no such file, not media, or no audio track.
    """
    path = Path(path)
    with _open(path) as container:
        context = _audio_track(container, path).codec_context
        if not context.sample_rate or not context.channels:
            raise AudioError(f"{path.name}: the audio track is empty or damaged; export it anew")
        return SoundInfo(context.sample_rate, context.channels)


def sound_blocks(path: str | Path, rate: int, channels: int) -> Iterator[np.ndarray]:
    """Decode a file's first audio track block by block, holding no more than a block.

    Args:
        path: the file.
        rate: samples a second of the result.
        channels: 1 or 2. The file's own number up to two; a file with more is mixed down to two.

    Yields:
        (channels, n) float32 blocks, nominally in [-1, 1], that join without gaps from time 0 of the file's
        clock.

    Raises:
        AudioError: the file cannot be read, or holds samples that are not finite.
    """
    path = Path(path)
    layout = "mono" if channels == 1 else "stereo"
    with _open(path) as container:
        stream = _audio_track(container, path)
        mixer: AudioResampler | None = None
        form: tuple[str, str, int] | None = None
        for frame in _without_gaps(container, stream, path):
            frame_form = (frame.format.name, frame.layout.name, frame.sample_rate)
            if frame_form != form:
                # Some streams change their form on the way (HE-AAC, joined recordings).
                if mixer is not None:
                    yield from _blocks(mixer, None, path)
                # Channels beyond two are mixed with weights that add up to 1, or loud sounds would clip.
                # PyAV before 18, all that Python 3.10 has, cannot be told so.
                weigh = _CAN_WEIGH and len(frame.layout.channels) > 2
                weights: dict[str, Any] = {"options": {"rematrix_maxval": "1.0"}} if weigh else {}
                mixer = AudioResampler(format="fltp", layout=layout, rate=rate, **weights)
                form = frame_form
            if mixer is not None:
                yield from _blocks(mixer, frame, path)
        if mixer is not None:
            yield from _blocks(mixer, None, path)


def clock_zero(container: InputContainer) -> Fraction:
    """Find the instant of a file that counts as its time 0: where players start.

    Formats such as MPEG-TS and MP3 do not start their clock at 0 (the latter at the end of its encoder
    delay). Sound and picture of one file are both measured from here.

    Args:
        container: an opened file.

    Returns:
        Seconds on the container's own clock.
    """
    return Fraction(container.start_time or 0, 1_000_000)


def _open(path: Path) -> InputContainer:
    """Open a file for reading, or say in one line why not."""
    if not path.is_file():
        raise AudioError(f"{path.name}: no such file; check the path")
    if path.stat().st_size == 0:
        raise AudioError(f"{path.name}: the file is empty; choose a file that holds sound")
    try:
        return av.open(path, "r")
    except PermissionError:
        raise AudioError(f"{path.name}: may not be read; change its permissions, or choose another file") from None
    except (FFmpegError, OSError) as error:
        raise AudioError(
            f"{path.name}: not a sound or video that can be read ({_reason(error)}); convert it to WAV or MP3"
        ) from error


def _audio_track(container: InputContainer, path: Path) -> AudioStream:
    if not container.streams.audio:
        raise AudioError(f"{path.name}: no audio track; choose a file with sound")
    return container.streams.audio[0]


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()


def _without_gaps(container: InputContainer, stream: AudioStream, path: Path) -> Iterator[AudioFrame]:
    """Yield frames that join from time 0; by the time stamps, silence is put in and overlaps are cut."""
    zero = clock_zero(container)
    end = _stated_end(container, stream)
    cursor = Fraction(0)  # seconds from time 0 that have been yielded
    shift = -zero  # from time stamps to seconds from time 0
    first = True
    frames: Iterator[AudioFrame] = decode(container.demux(stream), path.name, "audio")
    frame = next(frames, None)
    while frame is not None:
        following = next(frames, None)
        start = cursor if frame.pts is None or not frame.time_base else frame.pts * frame.time_base + shift
        gap = start - cursor
        if not first and (gap > _LONGEST_GAP or gap < -_LONGEST_OVERLAP):
            log.warning("%s: time stamps of the sound jump at %.2f s; taken as continuous", path.name, cursor)
            shift -= gap
            gap = Fraction(0)
        elif first and gap < 0:
            # No track starts before its file: FFmpeg misjudges the delay of Opus in WebM at low rates.
            shift -= gap
            gap = Fraction(0)
        rate = frame.sample_rate
        if gap > _JITTER or (first and gap > 0):
            for silence in _silence(frame, round(gap * rate)):
                yield silence
                cursor += Fraction(silence.samples, rate)
        elif gap < -_JITTER:
            overlap = min(frame.samples, round(-gap * rate))
            frame = _cut(frame, overlap, frame.samples)
        # MP4 states how much of its last packet is sound and how much the encoder's filling.
        if following is None and end is not None and cursor < end - zero:
            frame = _cut(frame, 0, min(frame.samples, round((end - zero - cursor) * rate)))
        if frame.samples:
            cursor += Fraction(frame.samples, rate)
            first = False
            # The samples are in place now, so their time stamps have nothing left to say to the resampler.
            frame.pts = None
            yield frame
        frame = following


def _stated_end(container: InputContainer, stream: AudioStream) -> Fraction | None:
    """End of the track on the container's clock, where the format states it to the sample."""
    if "mp4" not in container.format.name or stream.duration is None or stream.time_base is None:
        return None
    return ((stream.start_time or 0) + stream.duration) * stream.time_base


def _cut(frame: AudioFrame, first: int, last: int) -> AudioFrame:
    """Copy samples [first, last) of a frame."""
    if first == 0 and last == frame.samples:
        return frame
    if first >= last:
        return _like(frame, 0)
    channels = len(frame.layout.channels)
    array = frame.to_ndarray()
    part = array[:, first:last] if frame.format.is_planar else array[:, first * channels : last * channels]
    cut = AudioFrame.from_ndarray(np.ascontiguousarray(part), format=frame.format.name, layout=frame.layout.name)
    cut.sample_rate = frame.sample_rate
    return cut


def _silence(frame: AudioFrame, samples: int) -> Iterator[AudioFrame]:
    """Silence in the form of `frame`, a second at a time."""
    while samples > 0:
        count = min(samples, frame.sample_rate)
        silence = _like(frame, count)
        for plane in silence.planes:
            # The middle of the range is 0 in every format but unsigned 8 bits.
            plane.update(bytes([128 if frame.format.name.startswith("u8") else 0]) * plane.buffer_size)
        yield silence
        samples -= count


def _like(frame: AudioFrame, samples: int) -> AudioFrame:
    empty = AudioFrame(format=frame.format.name, layout=frame.layout.name, samples=samples)
    empty.sample_rate = frame.sample_rate
    return empty


def _blocks(mixer: AudioResampler, frame: AudioFrame | None, path: Path) -> Iterator[np.ndarray]:
    """Mix and resample a frame, or what is left at the end."""
    try:
        mixed = mixer.resample(frame)
    except FFmpegError as error:
        raise AudioError(f"{path.name}: its channels cannot be mixed ({_reason(error)}); export as stereo") from error
    for part in mixed:
        block = part.to_ndarray()
        if not np.isfinite(block).all():
            raise AudioError(f"{path.name}: holds samples that are not finite (NaN or Inf); export the sound anew")
        yield block
