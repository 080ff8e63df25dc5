"""Sound that arrives in pieces, in the form in which its source has it."""

from collections import deque
from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from rhapsode.errors import AudioError, OptionsError
from rhapsode.media.tracks import plain_sound
from rhapsode.media.waveform import SAMPLE_RATE, check_scale

#: A piece of sound as it is given and given back: int16 or float32, (N,) for one channel or (N, channels), or the bytes
#: of little-endian int16, channels interleaved.
Samples = np.ndarray | bytes | bytearray | memoryview
LOWEST_RATE, HIGHEST_RATE, MOST_CHANNELS = 4000, 384_000, 32


class LiveSound:
    """Convert pieces of sound to what the models read, and keep them to be given back."""

    def __init__(self, rate: int, channels: int, channel: int | str | None = None) -> None:
        """Start before the first sample.

        Args:
            rate: samples per second, 4000 to 384 000.
            channels: number of channels, 1 to 32.
            channel: which of them the models read: its number, from 1, or left or right of two; their mean where None
                or "mix".

        Raises:
            OptionsError: rate or channels out of range, or no such channel.
        """
        for name, value, low, high in (
            ("sample_rate", rate, LOWEST_RATE, HIGHEST_RATE),
            ("channels", channels, 1, MOST_CHANNELS),
        ):
            if not isinstance(value, int | np.integer) or not low <= value <= high:
                raise OptionsError(f"{name}={value}: not allowed", f"choose {low} to {high}", "bad-form")
        self._rate, self._channels = int(rate), int(channels)
        self._channel = None if channel is None else plain_sound(self._rate, self._channels).channel_number(channel)
        self._form: tuple[type, np.dtype] | None = None
        self.clear()

    def clear(self) -> None:
        """Forget all samples; the next one is number 0."""
        self._given: deque[np.ndarray] = deque()
        self._first = self._count = 0  # numbers of the first sample that is kept, and of the one that comes next
        self._mono: deque[np.ndarray] = deque()
        # Resamples with its own memory, so that pieces join without clicks.
        self._resampler = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)

    def push(self, samples: Samples) -> None:
        """Take the samples that follow.

        Raises:
            AudioError: they have another form than the ones before, are not finite, or no whole number of samples.
        """
        given = self._checked(samples)
        if not len(given):
            return
        self._given.append(given)
        self._count += len(given)
        scale = np.float32(1 / 32768) if given.dtype == np.int16 else np.float32(1)
        heard = 0 if self._channels == 1 else self._channel
        mono = (given.mean(1, dtype=np.float32) if heard is None else given[:, heard]) * scale
        mono = mono.clip(-1, 1)
        if self._rate == SAMPLE_RATE:
            self._mono.append(mono)
            return
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(mono[None]), format="flt", layout="mono")
        frame.sample_rate = self._rate
        self._resample(frame)

    def finish(self) -> None:
        """Convert what the resampler holds back; no more samples come."""
        if self._rate != SAMPLE_RATE and self._count:
            self._resample(None)

    def read(self, most: int) -> np.ndarray:
        """Take converted samples, in order.

        Args:
            most: number of samples at most.

        Returns:
            (N,) float32 in [-1, 1], mono at 16 kHz; N = 0 where none are left.
        """
        if not self._mono:
            return np.zeros(0, np.float32)
        piece = self._mono.popleft()
        if len(piece) > most:
            self._mono.appendleft(piece[most:])
        return piece[:most]

    def take(self, seconds: Fraction | None) -> np.ndarray | bytes:
        """Give back samples as they were given, in order.

        Args:
            seconds: up to this time, counted from sample 0; None for all that are left.
        """
        last = self._count if seconds is None else min(round(seconds * self._rate), self._count)
        pieces = []
        while self._first < last:
            piece = self._given.popleft()
            wanted = last - self._first
            if len(piece) > wanted:
                self._given.appendleft(piece[wanted:])
            pieces.append(piece[:wanted])
            self._first += len(pieces[-1])
        kind, dtype = self._form or (np.ndarray, np.dtype(np.float32))
        whole = np.concatenate(pieces) if pieces else np.zeros((0, self._channels), dtype)
        if kind is bytes:
            return whole.astype("<i2").tobytes()
        return whole[:, 0] if self._channels == 1 else whole

    def _resample(self, frame: AudioFrame | None) -> None:
        for part in self._resampler.resample(frame):
            self._mono.append(part.to_ndarray()[0].clip(-1, 1))

    def _checked(self, samples: Samples) -> np.ndarray:
        """Bring samples to (N, channels), a copy."""
        channels = self._channels
        wanted = "(N,)" if channels == 1 else f"(N, {channels})"
        if isinstance(samples, bytes | bytearray | memoryview):
            if isinstance(samples, memoryview) and samples.format not in ("B", "b", "c", "h", "<h"):
                raise AudioError(
                    f"samples: are a view of {samples.format!r}",
                    "pass int16, float32 or the bytes of int16",
                    "bad-samples",
                )
            data = bytes(samples)
            if len(data) % (2 * channels):
                raise AudioError(
                    f"samples: {len(data)} bytes are no whole number of samples",
                    f"pass {2 * channels} bytes a sample: 16 bits for each of {channels} channels",
                    "bad-samples",
                )
            form: tuple[type, np.dtype] = (bytes, np.dtype(np.int16))
            array = np.frombuffer(data, "<i2").astype(np.int16).reshape(-1, channels)
        elif isinstance(samples, np.ndarray) and samples.dtype in (np.int16, np.float32):
            one = channels == 1 and samples.ndim == 1
            if not one and (samples.ndim != 2 or samples.shape[1] != channels):
                raise AudioError(f"samples: have the shape {samples.shape}", f"pass {wanted}", "bad-samples")
            form = (np.ndarray, samples.dtype)
            array = samples.reshape(-1, channels).copy()
        else:
            told = str(samples.dtype) if isinstance(samples, np.ndarray) else type(samples).__name__
            raise AudioError(f"samples: are {told}", "pass int16, float32 or the bytes of int16", "bad-samples")
        if self._form not in (None, form):
            raise AudioError("samples: have another form than those before", "keep to one form", "bad-samples")
        if array.dtype == np.float32:
            check_scale(array, "samples")
        self._form = form
        return array
