"""The mouth between words: it goes on as the generator moves it, and returns to the portrait's own rest in silence."""

from rhapsode.audio.mel import MOTION_RATE

#: Seconds after a voice in which the mouth goes on as it is moved, and in which it then comes to rest. The generator
#: knows a short pause itself, and hears a soft voice that voice activity takes for none. Chosen on val: lips fitted to
#: the first frame of a clip follow GRID by 0.81 in place of 0.72, addresses by 0.768 in place of 0.770.
HOLD, FADE = 0.5, 0.5


class MouthGate:
    """Tell how far a mouth is moved by speech, from how surely a voice sounds, frame by frame."""

    def __init__(self) -> None:
        """Start before the first frame."""
        self._held = 0.0
        self._age = 0

    def next(self, voice: float) -> float:
        """Take how surely a voice sounds at the next frame, 0 to 1, and give the share of the motion, likewise."""
        self._age += 1
        left = min(max((HOLD + FADE - self._age / MOTION_RATE) / FADE, 0.0), 1.0)
        faded = self._held * left * left * (3 - 2 * left)
        if voice < faded:
            return faded
        self._held, self._age = voice, 0
        return voice
