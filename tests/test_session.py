"""Sessions: the frames of a file from sound in pieces, their sound given back, and interruptions."""

import itertools
import threading
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from rhapsode.animator import Animator
from rhapsode.audio.agc import AutomaticGainControl
from rhapsode.errors import AudioError, OptionsError
from rhapsode.face.geometry import mean_face
from rhapsode.media.live import LiveSound
from rhapsode.media.waveform import SAMPLE_RATE, Waveform, resample
from rhapsode.motion.motion import joined
from rhapsode.motion.stream import MotionStream
from rhapsode.motion.timeline import FrameTimeline
from rhapsode.options import AnimationOptions
from rhapsode.portrait import Portrait
from rhapsode.session import Frame, Session
from rhapsode.style.motion_model import styled_motion_model


@pytest.fixture(scope="module")
def voice(sentence: Waveform) -> np.ndarray:
    spoken = resample(sentence, SAMPLE_RATE).samples
    return np.concatenate([np.zeros(4000, np.float32), spoken, np.zeros(8000, np.float32)])


@pytest.fixture(scope="module")
def portrait(animator: Animator, astronaut: np.ndarray) -> Portrait:
    return animator.load_portrait(astronaut[:256, 96:352])


def cut(samples: np.ndarray, *lengths: int) -> Iterator[np.ndarray]:
    first = 0
    for length in itertools.cycle(lengths):
        if first >= len(samples):
            return
        yield samples[first : first + length]
        first += length


def stream_of(animator: Animator) -> MotionStream:
    return MotionStream(styled_motion_model(animator.speech, animator.head), mean_face())


def change(one: Frame, other: Frame) -> float:
    """The largest mean change of brightness over an eighth of the picture."""
    difference = np.abs(one.image.astype(np.float32) - other.image).mean(-1)
    return float(difference.reshape(8, 32, 8, 32).mean((1, 3)).max())


@pytest.mark.parametrize("lengths", [(640,), (1, 333, 5000)])
def test_a_session_shows_what_a_file_heard_live_would(
    animator: Animator, portrait: Portrait, voice: np.ndarray, lengths: tuple[int, ...]
) -> None:
    video = list(animator.animate(portrait, Waveform(voice, SAMPLE_RATE), AnimationOptions(live=True)))
    with animator.start_session(portrait) as session:
        frames = [frame for chunk in cut(voice, *lengths) for frame in session.feed(chunk)]
        frames += session.finish()
    assert len(frames) == len(video)
    assert all((one.image == other).all() for one, other in zip(frames, video, strict=True))
    assert all(frame.time * 25 == n for n, frame in enumerate(frames))


def test_a_frame_comes_within_200_ms_of_its_sound(animator: Animator, portrait: Portrait, voice: np.ndarray) -> None:
    session, fed = animator.start_session(portrait), 0
    late = []
    for chunk in cut(voice[:24000], 16):
        fed += len(chunk)
        late += [fed / SAMPLE_RATE - float(frame.time) for frame in session.feed(chunk)]
    assert max(late) <= 0.2


@pytest.mark.parametrize("form", ["int16", "float32", "bytes"])
@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (24000, 1), (44100, 2)])
def test_sound_of_any_form_is_given_back_with_its_frames_as_it_was_fed(
    animator: Animator, portrait: Portrait, sentence: Waveform, form: str, rate: int, channels: int
) -> None:
    mono = resample(Waveform(sentence.samples[: sentence.rate], sentence.rate), rate).samples
    sound: Any = np.repeat(mono[:, None], channels, 1)
    sound = sound if form == "float32" else np.rint(32767 * sound).astype(np.int16)
    sound = sound[:, 0] if channels == 1 else sound
    with animator.start_session(portrait, sample_rate=rate, channels=channels) as session:
        pieces = (piece.tobytes() if form == "bytes" else piece for piece in cut(sound, 700, 3000))
        frames = [frame for piece in pieces for frame in session.feed(piece)]
        frames += session.finish()
    assert len(frames) == 25
    if form == "bytes":
        assert b"".join(bytes(frame.audio) for frame in frames) == sound.tobytes()
        return
    given = np.concatenate([np.asarray(frame.audio) for frame in frames])
    assert given.dtype == sound.dtype and np.array_equal(given, sound)
    for number, frame in enumerate(frames[:-1]):
        assert len(frame.audio) == round((number + 1) * rate / 25) - round(number * rate / 25)


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_the_mouth_moves_alike_at_any_rate_of_the_sound(
    animator: Animator, portrait: Portrait, sentence: Waveform, rate: int
) -> None:
    def images(sound: Waveform, *lengths: int) -> list[np.ndarray]:
        with animator.start_session(portrait, sample_rate=sound.rate) as session:
            frames = [frame for piece in cut(sound.samples, *lengths) for frame in session.feed(piece)]
            return [frame.image.astype(np.float32) for frame in (*frames, *session.finish())]

    plain = images(resample(sentence, SAMPLE_RATE), 640)
    other, in_pieces = (images(resample(sentence, rate), *lengths) for lengths in ((rate,), (1, 700, 90)))
    assert len(other) == len(plain)
    assert all((one == same).all() for one, same in zip(other, in_pieces, strict=True)), "pieces join without a seam"
    apart = np.mean([np.abs(one - same).mean() for one, same in zip(other, plain, strict=True)])
    still = np.mean([np.abs(one - plain[0]).mean() for one in plain])
    assert apart < (0.4 if rate == 8000 else 0.2) * still


def test_frames_tell_where_speech_starts_and_where_it_ends(
    animator: Animator, portrait: Portrait, voice: np.ndarray
) -> None:
    sound = np.concatenate([np.zeros(8000, np.float32), voice, np.zeros(8000, np.float32)])
    with animator.start_session(portrait) as session:
        speaking = [frame.speaking for frame in (*session.feed(sound), *session.finish())]
    changes = [n / 25 for n in range(1, len(speaking)) if speaking[n] != speaking[n - 1]]
    assert not speaking[0] and not speaking[-1] and len(changes) == 2
    starts, ends = (float(np.flatnonzero(np.abs(sound) > 0.02)[n]) / SAMPLE_RATE for n in (0, -1))
    assert changes[0] == pytest.approx(starts, abs=0.15) and changes[1] == pytest.approx(ends, abs=0.45)


def test_sound_is_fed_by_one_thread_and_frames_are_taken_by_another(
    animator: Animator, portrait: Portrait, voice: np.ndarray
) -> None:
    alone = [frame.image for frame in animator.start_session(portrait).feed(voice[:24000])]
    session = animator.start_session(portrait)
    taken: list[Frame] = []
    viewer = threading.Thread(target=lambda: taken.extend(session))
    viewer.start()
    for chunk in cut(voice[:24000], 320):
        session.feed(chunk)
    session.finish()
    viewer.join(timeout=60)
    assert not viewer.is_alive()
    assert len(taken) == round(24000 / SAMPLE_RATE * 25) >= len(alone)
    assert all((frame.image == image).all() for frame, image in zip(taken, alone, strict=False))


def test_closing_ends_a_thread_that_waits(animator: Animator, portrait: Portrait) -> None:
    session = animator.start_session(portrait)
    viewer = threading.Thread(target=lambda: list(session))
    viewer.start()
    session.close()
    viewer.join(timeout=60)
    assert not viewer.is_alive()


def test_an_interruption_goes_on_from_the_frame_that_was_seen(
    animator: Animator, portrait: Portrait, voice: np.ndarray
) -> None:
    session = animator.start_session(portrait)
    before = list(session.feed(voice))
    seen = max(range(10, len(before) - 10), key=lambda n: change(before[n], before[0]) * before[n].speaking)
    session.interrupt(at=float(before[seen].time) + 0.01)
    after = list(session.feed(np.zeros(24000, np.float32)))
    assert after[0].time == before[seen].time + Fraction(1, 25)
    assert not any(frame.speaking for frame in after)
    ordinary = [change(one, other) for one, other in itertools.pairwise(before) if one.speaking]
    steps = [change(one, other) for one, other in itertools.pairwise([before[seen], *after])]
    assert steps[0] <= 2 * np.median(ordinary)
    assert max(steps) <= 1.2 * max(ordinary)


def test_after_an_interruption_the_mouth_rests_and_head_and_lids_go_on_as_before(
    animator: Animator, voice: np.ndarray
) -> None:
    stream = MotionStream(styled_motion_model(animator.speech, animator.head), mean_face(), history=6000)
    timeline = FrameTimeline(stream, Fraction(25))
    before = timeline.push(voice)
    seen = len(before) // 2
    timeline.interrupt(before[seen])
    after = timeline.push(np.zeros(16000, np.float32))
    expression = joined([frame.motion for frame in after]).expression
    assert np.abs(before[seen].motion.expression).max() > 0.02, "it was speaking"
    assert np.abs(expression[0] - before[seen].motion.expression[0]).max() < 0.02
    assert not expression[round(0.3 * 25) :].any(), "at rest in 0.3 s"
    once, again = (joined([frame.motion for frame in frames]) for frames in (before[seen + 1 :], after))
    # It takes the head some tenths of a second to calm down, and the chest a tenth to draw a breath.
    np.testing.assert_allclose(again.rotation[:4], once.rotation[:4], atol=1e-4)
    np.testing.assert_array_equal(again.lids[: len(once)], once.lids[: len(again)])


def test_what_is_fed_after_an_interruption_is_spoken_at_the_time_from_which_the_session_goes_on(
    animator: Animator, portrait: Portrait, voice: np.ndarray
) -> None:
    session = animator.start_session(portrait)
    seen = list(session.feed(voice))[20]
    session.interrupt(at=seen.time)
    after = [*session.feed(voice), *session.finish()]
    assert after[0].time == Fraction(21, 25)
    assert np.array_equal(np.concatenate([np.asarray(frame.audio) for frame in after]), voice)
    begins = next(frame.time for frame in after if frame.speaking) - after[0].time
    assert float(begins) == pytest.approx(4000 / SAMPLE_RATE, abs=0.2)


def test_iterators_from_before_an_interruption_end_at_once(
    animator: Animator, portrait: Portrait, voice: np.ndarray
) -> None:
    session = animator.start_session(portrait)
    early, forever = session.feed(voice), iter(session)
    first = next(early)
    session.interrupt()
    assert list(early) == [] and list(forever) == []
    assert next(session.feed(voice)).time == first.time + Fraction(1, 25)


def test_a_finished_session_that_is_interrupted_goes_on(
    animator: Animator, portrait: Portrait, voice: np.ndarray
) -> None:
    session = animator.start_session(portrait)
    frames = [*session.feed(voice), *session.finish()]
    session.interrupt(at=frames[9].time)
    after = [*session.feed(voice), *session.finish()]
    assert after[0].time == frames[10].time and len(after) == len(frames)


def test_an_interruption_before_the_first_frame_begins_anew(
    animator: Animator, portrait: Portrait, voice: np.ndarray
) -> None:
    session = animator.start_session(portrait)
    session.feed(voice)
    session.interrupt()
    assert next(session.feed(voice)).time == 0


def test_an_interruption_further_back_than_what_is_known_is_refused(
    animator: Animator, portrait: Portrait, voice: np.ndarray
) -> None:
    session = animator.start_session(portrait)
    list(session.feed(voice))
    with pytest.raises(OptionsError, match="at=-1"):
        session.interrupt(at=-1)


def test_ten_interruptions_in_a_row_leave_a_session_that_works(
    animator: Animator, portrait: Portrait, voice: np.ndarray
) -> None:
    session = animator.start_session(portrait)
    last, ordinary, jumps = None, [], []
    for _ in range(10):
        frames = list(itertools.islice(session.feed(voice), 20))
        if last is not None:
            jumps.append(change(last, frames[0]))
        ordinary += [change(one, other) for one, other in itertools.pairwise(frames) if one.speaking]
        last = frames[12]
        session.interrupt(at=last.time)
    assert max(jumps) <= 2 * np.median(ordinary)
    frames = [*session.feed(voice), *session.finish()]
    assert last is not None and frames[0].time == last.time + Fraction(1, 25)
    assert len(frames) == round(len(voice) / SAMPLE_RATE * 25)
    assert any(frame.speaking for frame in frames)


def test_in_silence_the_head_idles_the_eyes_blink_and_the_mouth_rests(animator: Animator) -> None:
    moved = joined(stream_of(animator).push(np.zeros(20 * SAMPLE_RATE, np.float32)))
    assert np.abs(moved.expression).max() == 0
    assert moved.lids.max() == 1
    assert moved.rotation.std(0).min() > 1e-3


def test_a_voice_moves_the_mouth_as_far_however_loud_it_is(animator: Animator, voice: np.ndarray) -> None:
    voices = [joined(stream_of(animator).push(voice * np.float32(10 ** (db / 20)))).expression for db in (-40, -6)]
    quiet, loud = (float(np.sqrt(np.square(one).mean())) for one in voices)
    assert abs(quiet / loud - 1) < 0.15


def test_the_level_does_not_depend_on_the_chunks(voice: np.ndarray) -> None:
    one, other = AutomaticGainControl(), AutomaticGainControl()
    pieces = np.concatenate([other.push(chunk) for chunk in cut(voice, 1, 700, 160)])
    np.testing.assert_array_equal(one.push(voice), pieces)


def test_what_a_session_holds_does_not_grow(animator: Animator, portrait: Portrait, voice: np.ndarray) -> None:
    class NoRenderer:
        def render(self, *_: np.ndarray) -> np.ndarray:
            return np.zeros((1, 1, 3), np.uint8)

    stream = MotionStream(styled_motion_model(animator.speech, animator.head), mean_face(), history=60)
    session = Session(NoRenderer(), FrameTimeline(stream, Fraction(25)), Fraction(25), LiveSound(SAMPLE_RATE, 1))  # type: ignore[arg-type]
    held = []
    tracemalloc.start()
    try:
        for number in range(12):
            for _ in session.feed(voice):
                pass
            if number % 4 == 1:
                session.interrupt()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    # The frames that were shown are kept for a minute, 1.2 kB each.
    seconds = len(voice) / SAMPLE_RATE
    assert held[-1] - held[2] < 9 * seconds * 25 * 4000


def test_two_sessions_of_one_portrait_do_not_affect_each_other(
    animator: Animator, portrait: Portrait, voice: np.ndarray
) -> None:
    alone = [frame.image for frame in animator.start_session(portrait).feed(voice[:16000])]
    one, other = animator.start_session(portrait), animator.start_session(portrait, AnimationOptions(seed=1))
    both = []
    for chunk in cut(voice[:16000], 1600):
        both += [frame.image for frame in one.feed(chunk)]
        list(other.feed(chunk[::-1].copy()))
    assert all((a == b).all() for a, b in zip(alone, both, strict=True))


def test_what_is_no_sound_is_refused_in_one_line(animator: Animator, portrait: Portrait) -> None:
    session = animator.start_session(portrait)
    wrong: list[Any] = [np.zeros(160), np.zeros((160, 2), np.float32), np.full(5, np.nan, np.float32), b"odd", [0.0]]
    for samples in wrong:
        with pytest.raises(AudioError, match=r"^samples: "):
            session.feed(samples)
    session.feed(np.zeros(160, np.float32))
    with pytest.raises(AudioError, match="another form"):
        session.feed(np.zeros(160, np.int16))
    session.close()
    with pytest.raises(AudioError, match="over"):
        session.feed(np.zeros(160, np.float32))


@pytest.mark.parametrize("wrong", [{"sample_rate": 0}, {"sample_rate": 16000.0}, {"channels": 0}, {"channels": 100}])
def test_a_rate_or_number_of_channels_out_of_range_is_refused(
    animator: Animator, portrait: Portrait, wrong: dict[str, Any]
) -> None:
    with pytest.raises(OptionsError, match=f"^{next(iter(wrong))}="):
        animator.start_session(portrait, **wrong)


def test_a_viewer_who_wants_the_newest_frame_misses_those_before_and_none_of_their_sound(
    animator: Animator, portrait: Portrait, voice: np.ndarray
) -> None:
    every = animator.start_session(portrait)
    newest = animator.start_session(portrait)
    *_, last = every.feed(voice[:16000])
    newest.feed(voice[:16000])
    shown = next(newest.latest())
    assert shown.time == last.time
    assert (shown.image == last.image).all()
    assert len(shown.audio) == round((shown.time + Fraction(1, 25)) * SAMPLE_RATE)
