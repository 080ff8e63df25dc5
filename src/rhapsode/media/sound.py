"""Sound from files, pipes and memory, block by block, on the clock of its file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

from rhapsode.errors import AudioError
from rhapsode.media.gaps import without_gaps
from rhapsode.media.packets import clock_zero
from rhapsode.media.source import Piped, media_source, name_of
from rhapsode.media.tracks import Take, audio_track, open_sound_file, sound_info, sound_tracks
from rhapsode.media.waveform import SAMPLE_RATE, Waveform, check_scale, resample

_CAN_WEIGH = int(av.__version__.split(".")[0]) >= 18


def mono_blocks(
    source: str | Path | Piped | Waveform,
    rate: int = SAMPLE_RATE,
    take: Take = Take(),  # noqa: B008  (frozen)
) -> Iterator[np.ndarray]:
    """Read a sound as mono blocks, holding no more than a block of a file in memory.

    Reads whatever FFmpeg reads: WAV, MP3, M4A, FLAC, Ogg, Opus, or the audio track of a video.
    Sample 0 is time 0 of the file's clock (see `packets.clock_zero`): encoder delay is cut off, and a track that
    starts late or has a hole is filled with silence, so that sound and picture stay in sync. Damaged packets
    are skipped with a warning. Channels are averaged. Peaks above 1 are clipped: a stream cannot be scaled by
    a peak that is still to come.

    Args:
        source: a file, a pipe (see `media_source`), or a sound in memory.
        rate: samples per second of the result.
        take: which track and channel of a file.

    Yields:
        (n,) float32 blocks in [-1, 1], n > 0, that join without gaps.

    Raises:
        AudioError: no such file, not media, no audio track, no samples, or samples that are not finite or far beyond
            [-1, 1]. A file that cannot be opened is refused when the first block is asked for; so is an empty one.
        OptionsError: the file has no such track.
    """
    if isinstance(source, Waveform):
        blocks, name = _slices(resample(source, rate)), "waveform"
    else:
        source = media_source(source, AudioError)  # a pipe can be read once only
        name = source.name
        if take.channel is None:
            channels = min(2, sound_info(source, take.track).channels)
            mixed = sound_blocks(source, rate, channels, take.track)
            blocks = (block.mean(axis=0, dtype=np.float32) for block in mixed)
        else:
            number = take.channel
            # A track that goes on with fewer channels is heard on its last.
            whole = sound_blocks(source, rate, None, take.track)
            blocks = (block[min(number, len(block) - 1)] for block in whole)
    empty = True
    for block in blocks:
        if len(block):
            empty = False
            yield block.clip(-1, 1)
    if empty:
        raise AudioError(f"{name}: the audio track is empty", "choose a file that holds sound", "no-sound")


def opened_sound(given: str | Path | Piped | Waveform) -> Path | Piped | Waveform:
    """Look into a sound, so that one that cannot be used is refused at once; a pipe is read to its end.

    Args:
        given: see `mono_blocks`.

    Returns:
        A sound of which at least one track holds samples.

    Raises:
        AudioError: as `mono_blocks`.
    """
    source = given if isinstance(given, Waveform) else media_source(given, AudioError)
    count = 1 if isinstance(source, Waveform) else len(sound_tracks(source))
    faults = [fault for number in range(count) if (fault := _fault(source, Take(number)))]
    if len(faults) == count:
        raise faults[0]
    return source


def _fault(source: Path | Piped | Waveform, take: Take) -> AudioError | None:
    """Tell why nothing can be heard; None where the first samples can."""
    try:
        next(mono_blocks(source, take=take))
    except AudioError as error:
        return error
    return None


def estimated_seconds(source: str | Path | Piped | Waveform, track: int = 0) -> float:
    """Estimate the length of a sound without decoding it.

    Args:
        source: a file, a pipe, or a sound in memory.
        track: number of the audio track, from 0.

    Returns:
        Seconds from time 0 to the end of the sound: exact for a sound in memory, WAV, FLAC and MP4, to some per
        cent for raw streams of a varying bit rate; 0 where the file tells nothing.

    Raises:
        AudioError: no such file, not media, or no audio track.
        OptionsError: no such track.
    """
    if isinstance(source, Waveform):
        return source.seconds
    name = name_of(source)
    with open_sound_file(source) as container:
        stream = audio_track(container, name, track)
        if stream.duration is not None and stream.time_base is not None:
            end = ((stream.start_time or 0) + stream.duration) * stream.time_base - clock_zero(container)
            return max(0.0, float(end))
        return (container.duration or 0) / 1_000_000


def load_waveform(path: str | Path, rate: int = SAMPLE_RATE, take: Take = Take()) -> Waveform:  # noqa: B008  (frozen)
    """Read a whole sound, for what needs all of it at once; arguments and errors as in `mono_blocks`.

    Returns:
        The waveform, at least one sample long.
    """
    return Waveform(np.concatenate(list(mono_blocks(path, rate, take))), rate)


def sound_blocks(source: str | Path | Piped, rate: int, channels: int | None, track: int = 0) -> Iterator[np.ndarray]:
    """Decode an audio track block by block, holding no more than a block.

    Args:
        source: a file or a pipe.
        rate: samples per second of the result.
        channels: 1 or 2, to which the track's own are mixed: by their places, or averaged where the file tells none.
            None for the track's own, which may change on the way.
        track: number of the audio track, from 0.

    Yields:
        (channels, n) float32 blocks, nominally in [-1, 1], that join without gaps from time 0 of the file's
        clock.

    Raises:
        AudioError: the file cannot be read, or holds samples that are not finite or far beyond [-1, 1].
        OptionsError: no such track.
    """
    name = name_of(source)
    with open_sound_file(source) as container:
        stream = audio_track(container, name, track)
        mixer: _Mixer | None = None
        form: tuple[str, str, int] | None = None
        for frame in without_gaps(container, stream, name):
            frame_form = (frame.format.name, frame.layout.name, frame.sample_rate)
            if frame_form != form:
                # Some streams change their form on the way (HE-AAC, joined recordings).
                if mixer is not None:
                    yield from mixer.mix(None)
                mixer, form = _Mixer(frame, rate, channels, name), frame_form
            if mixer is not None:
                yield from mixer.mix(frame)
        if mixer is not None:
            yield from mixer.mix(None)


class _Mixer:
    """Mix and resample frames of one form."""

    def __init__(self, frame: AudioFrame, rate: int, channels: int | None, name: str) -> None:
        self._name, self._wanted = name, channels
        own = frame.layout.channels
        # Channels whose places are not known are averaged here: FFmpeg would guess, or give up.
        placed = len(own) <= 2 or len({channel.name for channel in own}) == len(own)
        self._averages = channels is not None and not placed
        keeps = channels is None or self._averages
        layout = frame.layout if keeps else ("mono" if channels == 1 else "stereo")
        self._channels = len(own) if channels is None or self._averages else channels
        # Channels beyond two are mixed with weights that add up to 1, or loud sounds would clip.
        # PyAV before 18, all that Python 3.10 has, cannot be told so.
        weigh = _CAN_WEIGH and not keeps and len(own) > 2
        weights: dict[str, Any] = {"options": {"rematrix_maxval": "1.0"}} if weigh else {}
        self._resampler = AudioResampler(format="flt", layout=layout, rate=rate, **weights)

    def mix(self, frame: AudioFrame | None) -> Iterator[np.ndarray]:
        """Give the (channels, n) blocks that a frame completes, or what is left at the end."""
        try:
            mixed = self._resampler.resample(frame)
        except FFmpegError as error:
            reason = (error.strerror or str(error)).lower()
            raise AudioError(
                f"{self._name}: its channels cannot be mixed ({reason})", "export it as stereo", "unknown-format"
            ) from error
        for part in mixed:
            block = part.to_ndarray().reshape(-1, self._channels).T
            check_scale(block, self._name)
            if self._averages:
                block = np.repeat(block.mean(axis=0, dtype=np.float32, keepdims=True), self._wanted or 1, axis=0)
            yield block


def _slices(sound: Waveform) -> Iterator[np.ndarray]:
    """Cut a sound into pieces of a second."""
    for first in range(0, len(sound.samples), sound.rate):
        yield sound.samples[first : first + sound.rate].astype(np.float32, copy=False)
