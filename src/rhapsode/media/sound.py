"""Sound from files and from memory, block by block, on the clock of its file."""

from collections.abc import Iterator
from dataclasses import dataclass
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
from rhapsode.media.gaps import without_gaps
from rhapsode.media.packets import clock_zero
from rhapsode.media.waveform import SAMPLE_RATE, Waveform, resample

_CAN_WEIGH = int(av.__version__.split(".")[0]) >= 18


@dataclass(frozen=True)
class SoundInfo:
    """Tell how a file holds its sound.

    Attributes:
        rate: samples per second.
        channels: number of channels.
    """

    rate: int
    channels: int


def mono_blocks(source: str | Path | Waveform, rate: int = SAMPLE_RATE) -> Iterator[np.ndarray]:
    """Read a sound as mono blocks, holding no more than a block of a file in memory.

    Reads whatever FFmpeg reads: WAV, MP3, M4A, FLAC, Ogg, Opus, or the audio track of a video (its first).
    Sample 0 is time 0 of the file's clock (see `packets.clock_zero`): encoder delay is cut off, and a track that
    starts late or has a hole is filled with silence, so that sound and picture stay in sync. Damaged packets
    are skipped with a warning. Channels are averaged. Peaks above 1 are clipped: a stream cannot be scaled by
    a peak that is still to come.

    Args:
        source: a file, or a sound in memory.
        rate: samples per second of the result.

    Yields:
        (n,) float32 blocks in [-1, 1], n > 0, that join without gaps.

    Raises:
        AudioError: no such file, not media, no audio track, no samples, or samples that are not finite. A file
            that cannot be opened is refused when the first block is asked for; so is an empty one.
    """
    if isinstance(source, Waveform):
        blocks, name = _slices(resample(source, rate)), "waveform"
    else:
        name = Path(source).name
        channels = min(2, sound_info(source).channels)
        blocks = (block.mean(axis=0, dtype=np.float32) for block in sound_blocks(source, rate, channels))
    empty = True
    for block in blocks:
        if len(block):
            empty = False
            yield block.clip(-1, 1)
    if empty:
        raise AudioError(f"{name}: the audio track is empty", "choose a file that holds sound", "no-sound")


def estimated_seconds(source: str | Path | Waveform) -> float:
    """Estimate the length of a sound without decoding it.

    Args:
        source: a file, or a sound in memory.

    Returns:
        Seconds from time 0 to the end of the sound: exact for a sound in memory, WAV, FLAC and MP4, to some per
        cent for raw streams of a varying bit rate; 0 where the file tells nothing.

    Raises:
        AudioError: no such file, not media, or no audio track.
    """
    if isinstance(source, Waveform):
        return source.seconds
    path = Path(source)
    with _open(path) as container:
        stream = _audio_track(container, path)
        if stream.duration is not None and stream.time_base is not None:
            end = ((stream.start_time or 0) + stream.duration) * stream.time_base - clock_zero(container)
            return max(0.0, float(end))
        return (container.duration or 0) / 1_000_000


def load_waveform(path: str | Path, rate: int = SAMPLE_RATE) -> Waveform:
    """Read a whole sound, for what needs all of it at once; arguments and errors as in `mono_blocks`.

    Returns:
        The waveform, at least one sample long.
    """
    return Waveform(np.concatenate(list(mono_blocks(path, rate))), rate)


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
            raise AudioError(f"{path.name}: the audio track is empty or damaged", "export it anew", "damaged")
        return SoundInfo(context.sample_rate, context.channels)


def sound_blocks(path: str | Path, rate: int, channels: int) -> Iterator[np.ndarray]:
    """Decode a file's first audio track block by block, holding no more than a block.

    Args:
        path: the file.
        rate: samples per second of the result.
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
        for frame in without_gaps(container, stream, path):
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


def _open(path: Path) -> InputContainer:
    """Open a file for reading; every failure becomes an `AudioError`."""
    if not path.is_file():
        raise AudioError(f"{path.name}: no such file", "check the path", "no-file")
    if path.stat().st_size == 0:
        raise AudioError(f"{path.name}: the file is empty", "choose a file that holds sound", "no-sound")
    try:
        return av.open(path, "r")
    except PermissionError:
        raise AudioError(
            f"{path.name}: may not be read", "change its permissions, or choose another file", "no-permission"
        ) from None
    except (FFmpegError, OSError) as error:
        raise AudioError(
            f"{path.name}: not a sound or video that can be read ({_reason(error)})",
            "convert it to WAV or MP3",
            "unknown-format",
        ) from error


def _audio_track(container: InputContainer, path: Path) -> AudioStream:
    if not container.streams.audio:
        raise AudioError(f"{path.name}: no audio track", "choose a file with sound", "no-sound")
    return container.streams.audio[0]


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()


def _slices(sound: Waveform) -> Iterator[np.ndarray]:
    """Cut a sound into pieces of a second."""
    for first in range(0, len(sound.samples), sound.rate):
        yield sound.samples[first : first + sound.rate].astype(np.float32, copy=False)


def _blocks(mixer: AudioResampler, frame: AudioFrame | None, path: Path) -> Iterator[np.ndarray]:
    """Mix and resample a frame, or what is left at the end."""
    try:
        mixed = mixer.resample(frame)
    except FFmpegError as error:
        raise AudioError(
            f"{path.name}: its channels cannot be mixed ({_reason(error)})", "export it as stereo", "unknown-format"
        ) from error
    for part in mixed:
        block = part.to_ndarray()
        if not np.isfinite(block).all():
            raise AudioError(
                f"{path.name}: samples are not finite (NaN or Inf)", "export the sound anew", "bad-samples"
            )
        yield block
