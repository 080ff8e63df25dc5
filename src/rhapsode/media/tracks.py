"""Which sounds a file holds: its tracks, and their channels by number and by name."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from av.audio.stream import AudioStream
from av.container import InputContainer

from rhapsode.errors import AudioError, OptionsError
from rhapsode.media.source import Piped, name_of, open_media

#: What a channel may be called beside its number, its short name (FC) and its whole name (front center).
_ALSO = {"left": "fl", "right": "fr", "center": "fc", "centre": "fc"}
MIX = "mix"
"""Stands for all channels of a track together."""


@dataclass(frozen=True)
class Take:
    """Say what of a file is heard.

    Attributes:
        track: number of the audio track, from 0.
        channel: number of the channel, from 0; all of them, mixed, where None.
    """

    track: int = 0
    channel: int | None = None


@dataclass(frozen=True)
class SoundInfo:
    """Tell how a track holds its sound.

    Attributes:
        rate: samples per second.
        channels: number of channels.
        names: of each channel, short and whole, such as ("FC", "front center"); empty where the file tells none.
    """

    rate: int
    channels: int
    names: tuple[tuple[str, str], ...] = ()

    def channel_number(self, wanted: int | str) -> int | None:
        """Find a channel.

        Args:
            wanted: its number, from 1; its name, such as "left", "FC" or "front center"; or "mix".

        Returns:
            Its number, from 0; None for all.

        Raises:
            OptionsError: there is no such channel.
        """
        if wanted == MIX:
            return None
        if isinstance(wanted, int):
            if wanted <= self.channels:
                return wanted - 1
        else:
            name = _ALSO.get(wanted.casefold(), wanted.casefold())
            for number, known in enumerate(self.names):
                if name in (one.casefold() for one in known):
                    return number
        there = ", ".join(f"{number} ({name})" for number, (_, name) in enumerate(self.names, 1))
        there = there or f"1 to {self.channels}"
        raise OptionsError(f"channel={wanted}: there is no such channel", f"choose {there}, or {MIX}", "bad-channel")

    def describe(self, channel: int) -> str:
        """Name a channel, numbered from 0, as in "channel 3 (front center)"."""
        return f"channel {channel + 1}" + (f" ({self.names[channel][1]})" if self.names else "")


def plain_sound(rate: int, channels: int) -> SoundInfo:
    """Describe a sound of which no file tells; two channels are left and right."""
    names = (("FL", "front left"), ("FR", "front right")) if channels == 2 else ()
    return SoundInfo(rate, channels, names)


def open_sound_file(source: str | Path | Piped) -> AbstractContextManager[InputContainer]:
    """Open a file or pipe for its sound; every failure becomes an `AudioError`."""
    return open_media(source, AudioError, "a sound or video", "convert it to WAV or MP3")


def audio_track(container: InputContainer, name: str, number: int = 0) -> AudioStream:
    """Give an audio track of an opened file, numbered from 0.

    Raises:
        AudioError: the file has no audio track.
        OptionsError: it has none of that number.
    """
    tracks = container.streams.audio
    if not tracks:
        raise AudioError(f"{name}: no audio track", "choose a file with sound", "no-sound")
    check_track(number, len(tracks))
    return tracks[number]


def sound_tracks(source: str | Path | Piped) -> list[SoundInfo]:
    """Look up the audio tracks of a file.

    Args:
        source: the file; see `media_source`.

    Returns:
        At least one.

    Raises:
        AudioError: no such file, not media, or no audio track.
    """
    with open_sound_file(source) as container:
        audio_track(container, name_of(source))
        found = []
        for stream in container.streams.audio:
            context = stream.codec_context
            if context is None or not context.sample_rate or not context.channels:  # no decoder, or damaged
                found.append(SoundInfo(0, 0))
                continue
            names = tuple((channel.name, channel.description) for channel in context.layout.channels)
            known = len(set(names)) == len(names) == context.channels
            plain = plain_sound(context.sample_rate, context.channels)
            found.append(replace(plain, names=names) if known else plain)
        return found


def sound_info(source: str | Path | Piped, track: int = 0) -> SoundInfo:
    """Look up rate, channels and their names of one track, numbered from 0.

    Raises:
        AudioError: as `sound_tracks`, or the track is damaged.
        OptionsError: no such track.
    """
    tracks = sound_tracks(source)
    check_track(track, len(tracks))
    if not tracks[track].channels:
        raise AudioError(f"{name_of(source)}: the audio track is empty or damaged", "export it anew", "damaged")
    return tracks[track]


def check_track(number: int, count: int) -> None:
    """Refuse a track that is not there, numbered from 0, by an `OptionsError`."""
    if number >= count:
        raise OptionsError(f"track={number + 1}: there is no such track", f"choose 1 to {count}", "bad-track")
