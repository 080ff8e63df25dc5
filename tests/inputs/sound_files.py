"""Sound files of every form, made where they are needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
_FRAME = 1024


@dataclass(frozen=True)
class Track:
    """A track to write: (channels, n) float samples at `rate`, by a codec; `start` in seconds."""

    sound: np.ndarray
    rate: int = 16_000
    codec: str = "pcm_s16le"
    start: float = 0.0


def write(
    path: Path,
    *tracks: Track,
    picture: bool = False,
    shown: np.ndarray | None = None,
    format: str | None = None,
    **options: str,
) -> Path:
    """Write a file of one or more tracks; with `picture` also 10 frames a second, grey or `shown`, (H, W, 3) uint8."""
    seen = np.full((32, 32, 3), 128, np.uint8) if shown is None else shown
    with av.open(path, "w", format=format, options=options) as container:
        packets: list[av.Packet] = []
        if picture:
            video = container.add_stream("mpeg4", rate=10)
            video.height, video.width = seen.shape[:2]
        streams = [
            container.add_stream(track.codec, rate=track.rate, layout=_LAYOUTS[len(track.sound)]) for track in tracks
        ]
        if picture:
            longest = max(track.start + track.sound.shape[1] / track.rate for track in tracks)
            for number in range(max(1, round(10 * longest))):
                frame = av.VideoFrame.from_ndarray(seen)
                frame.pts, frame.time_base = number, Fraction(1, 10)
                packets += video.encode(frame)
            packets += video.encode(None)
        for track, stream in zip(tracks, streams, strict=True):
            for part in _frames(track, stream.format.name):
                packets += stream.encode(part)
            packets += stream.encode(None)
        for packet in sorted(packets, key=_time):
            container.mux(packet)
    return path


def _time(packet: "av.Packet") -> float:
    return float((packet.dts or 0) * (packet.time_base or 1))


def _frames(track: Track, form: str) -> Sequence[av.AudioFrame]:
    """Cut a track into frames of a sample format."""
    layout = _LAYOUTS[len(track.sound)]
    resampler = av.AudioResampler(format=form, layout=layout, rate=track.rate, frame_size=_FRAME)
    frames: list[av.AudioFrame] = []
    if track.sound.shape[1]:
        # PyAV gives a planar frame of 8 channels a ninth.
        packed = np.ascontiguousarray(track.sound.T, np.float64).reshape(1, -1)
        whole = av.AudioFrame.from_ndarray(packed, format="dbl", layout=layout)
        whole.sample_rate, whole.time_base = track.rate, Fraction(1, track.rate)
        whole.pts = round(track.start * track.rate)
        frames += resampler.resample(whole) + resampler.resample(None)
    return frames
