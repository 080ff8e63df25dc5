"""Find the track and the channel of a sound on which a voice is heard, by listening to its beginning."""

import logging
from pathlib import Path

import numpy as np

from rhapsode.audio.agc import AutomaticGainControl
from rhapsode.audio.voice_activity import voice_activity
from rhapsode.errors import AudioError
from rhapsode.media.sound import sound_blocks
from rhapsode.media.source import Piped, name_of
from rhapsode.media.tracks import SoundInfo, Take, check_track, plain_sound, sound_tracks
from rhapsode.media.waveform import SAMPLE_RATE, Waveform

log = logging.getLogger(__name__)

#: Seconds that are listened to at most, seconds of voice that are enough, and seconds that are heard at once.
LONGEST, ENOUGH, PIECE = 30, 3.0, 4
#: Seconds of voice below which there is none.
_NONE = 0.2
#: Shares of the best channel's voice: below the first a channel has none of its own, below the second the mix lost it,
#: above the third it is as good.
_WITHOUT, _LOST, _AS_GOOD = 0.2, 0.75, 0.9
#: How many times the voice of the first track another must have to be taken instead.
_CLEARLY = 1.3
#: A channel at this share of the loudest one's level disturbs nobody; one so correlated with the mix sounds as the mix.
_FAINT, _ALIKE = 0.1, 0.98
_SOUNDS = 0.5  # of the envelope of a voice


def find_voice(
    source: Path | Piped | Waveform,
    track: int | None = None,
    channel: int | str | None = None,
    *,
    learning: bool = False,
) -> Take:
    """Choose what of a sound drives the face, or is learnt from, and say so where that is not all of its first track.

    Of several tracks the one with the most voice is taken, and the first where they have alike. Its channels are taken
    together, as a listener hears them; but one alone where others hold something else, such as music, or where the
    voice is lost in the mix, as in channels of opposite phase. A sound of one track whose channels are alike is not
    listened to.

    Args:
        source: a file, what a pipe gave, or a sound in memory, which has one channel.
        track: number of the track, from 1; found where None.
        channel: number of the channel, from 1, its name, or "mix"; found where None.
        learning: whether it is learnt from.

    Raises:
        AudioError: the sound cannot be read.
        OptionsError: no such track or channel.
    """
    tracks = [plain_sound(source.rate, 1)] if isinstance(source, Waveform) else sound_tracks(source)
    if track is not None:
        check_track(track - 1, len(tracks))
    numbers = [number for number in range(len(tracks)) if track in (None, number + 1)]
    numbers = [number for number in numbers if tracks[number].channels] or numbers[:1]
    found = Take(numbers[0])
    several = len(numbers) > 1 or (channel is None and tracks[numbers[0]].channels > 1)
    if several and not isinstance(source, Waveform):
        heard = [_Beginning(source, number, alone=len(numbers) == 1) for number in numbers]
        heard = [one for one in heard if one.seconds] or heard
        for second in range(0, LONGEST, PIECE):
            for one in heard:
                one.listen(second)
            if max(one.most for one in heard) >= ENOUGH:
                break
        best = max(heard, key=lambda one: one.most)
        if best.most < max(_NONE, _CLEARLY * heard[0].most):
            best = heard[0]
        found = Take(best.number, best.channel())
    if channel is not None:
        found = Take(found.track, tracks[found.track].channel_number(channel))
    elif found != Take(numbers[0]) and not isinstance(source, Waveform):
        place = _place(found, tracks, of_track=track is None)
        if learning:
            text, code = "%s: the voice was found on %s, which is learnt from", "voice-learnt-from"
        else:
            text = "%s: the voice was found on %s, which drives the face; choose another by its number"
            code = "voice-found"
        log.warning(text, name_of(source), place, extra={"code": code})
    return found


def _place(take: Take, tracks: list[SoundInfo], of_track: bool) -> str:
    track = f"track {take.track + 1} of {len(tracks)}" if of_track and len(tracks) > 1 else ""
    channel = "" if take.channel is None else tracks[take.track].describe(take.channel)
    return " of ".join(part for part in (channel, track) if part)


class _Beginning:
    """The beginning of a track, and how much voice was heard on it.

    Attributes:
        number: of the track, from 0.
        seconds: that can be listened to.
    """

    def __init__(self, source: Path | Piped, number: int, alone: bool) -> None:
        self.number = number
        self._channels = _read(source, number)
        self.seconds = self._channels.shape[1] / SAMPLE_RATE
        self._mix = self._channels.mean(axis=0)
        level = np.linalg.norm(self._channels, axis=1)
        alike = self._channels @ self._mix / np.maximum(level * np.linalg.norm(self._mix), 1e-9)
        #: Channels that are worth listening to by themselves.
        self._apart = [int(one) for one in np.flatnonzero((level > _FAINT * level.max()) & (alike < _ALIKE))]
        # Where there is nothing to choose from, nothing needs to be heard.
        self._heard: dict[int | None, float] = dict.fromkeys(
            [None, *self._apart] if self._apart or not alone else [], 0.0
        )

    def listen(self, second: int) -> None:
        """Hear the piece that begins at a second."""
        piece = slice(second * SAMPLE_RATE, (second + PIECE) * SAMPLE_RATE)
        for channel in self._heard:
            samples = (self._mix if channel is None else self._channels[channel])[piece]
            if len(samples):
                voice = voice_activity(AutomaticGainControl().push(samples))
                self._heard[channel] += float(np.mean(voice >= _SOUNDS)) * len(samples) / SAMPLE_RATE

    @property
    def most(self) -> float:
        """Give the seconds of voice where most was heard."""
        return max(self._heard.values(), default=0.0)

    def channel(self) -> int | None:
        """Choose a channel; None for all together."""
        heard = {one: self._heard[one] for one in self._apart}
        best = max(heard.values(), default=0.0)
        without = any(seconds < _WITHOUT * best for seconds in heard.values())
        if best < _NONE or not (without or self._heard[None] < _LOST * best):
            return None
        return next(one for one, seconds in heard.items() if seconds >= _AS_GOOD * best)


def _read(source: Path | Piped, number: int) -> np.ndarray:
    """Read the beginning of a track: (channels, N) at 16 kHz; empty where it cannot be read."""
    blocks: list[np.ndarray] = []
    wanted = LONGEST * SAMPLE_RATE
    try:
        for block in sound_blocks(source, SAMPLE_RATE, None, number):
            if wanted <= 0 or (blocks and len(block) != len(blocks[0])):
                break
            blocks.append(block[:, :wanted])
            wanted -= block.shape[1]
    except AudioError:  # is told when it is needed
        pass
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((1, 0), np.float32)
