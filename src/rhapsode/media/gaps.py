"""Sound of a file as frames that join from time 0: holes are filled with silence, overlaps are cut."""

import logging
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from rhapsode.media.packets import clock_zero, decode

log = logging.getLogger(__name__)

# Time stamps of Matroska and FLV are rounded to 1 ms, so only larger steps count as a gap. The limit is below
# one frame of AAC or MP3 (21-26 ms), whose loss must be filled to keep what follows in sync.
_JITTER = Fraction(20, 1000)
# Beyond these a time stamp counts as broken, not as hours of silence or as sound to throw away.
_LONGEST_GAP = Fraction(600)
_LONGEST_OVERLAP = Fraction(1)
# Streams without a container, whose time stamps FFmpeg counts by the form of the first frame: they tell of no hole.
_COUNTED = frozenset({"aac", "ac3", "dts", "eac3", "mp3"})
_MOST_PLANES = 7


def without_gaps(container: InputContainer, stream: AudioStream, name: str) -> Iterator[AudioFrame]:
    """Decode a track into frames that join from time 0: by their time stamps, silence is put in and overlaps are cut.

    Args:
        container: an opened file.
        stream: a track of it.
        name: of the file, for the log.

    Yields:
        Frames in the track's own form, whose time stamps are removed.
    """
    zero = clock_zero(container)
    end = _stated_end(container, stream)
    cursor = Fraction(0)  # seconds from time 0 that have been yielded
    shift = -zero  # from time stamps to seconds from time 0
    counted = container.format.name in _COUNTED
    first = True
    frames = _interleaved(decode(container.demux(stream), name, "audio"))
    frame = next(frames, None)
    while frame is not None:
        following = next(frames, None)
        untimed = counted or frame.pts is None or not frame.time_base
        start = cursor if untimed else Fraction(frame.pts or 0) * (frame.time_base or 0) + shift
        gap = start - cursor
        if not first and (gap > _LONGEST_GAP or gap < -_LONGEST_OVERLAP):
            log.warning("%s: time stamps of the sound jump at %.2f s; treated as continuous", name, cursor)
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


def _interleaved(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    """Interleave channels that are too many: PyAV reads beyond the last where 8 or more lie one after the other."""
    form: tuple[str, str, int] | None = None
    converter: AudioResampler | None = None
    for frame in frames:
        if not frame.format.is_planar or len(frame.layout.channels) <= _MOST_PLANES:
            yield frame
            continue
        if form != (form := (frame.format.name, frame.layout.name, frame.sample_rate)):
            converter = AudioResampler(format=frame.format.packed, layout=frame.layout, rate=frame.sample_rate)
        if converter is not None:
            yield from converter.resample(frame)


def _stated_end(container: InputContainer, stream: AudioStream) -> Fraction | None:
    """Return the end of the track on the container's clock, where the format states it to the sample."""
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
    array: Any = frame.to_ndarray()
    part = array[:, first:last] if frame.format.is_planar else array[:, first * channels : last * channels]
    cut = AudioFrame.from_ndarray(np.ascontiguousarray(part), format=frame.format.name, layout=frame.layout.name)
    cut.sample_rate = frame.sample_rate
    return cut


def _silence(frame: AudioFrame, samples: int) -> Iterator[AudioFrame]:
    """Yield silence in the form of `frame`, a second at a time."""
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
