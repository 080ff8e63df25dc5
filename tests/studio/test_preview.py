"""Previews: the frames of the video, at once, from what is remembered of their sound."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from tests.bench import hello

pytest.importorskip("starlette", reason="the extra studio is not installed")

from rhapsode.animator import Animator
from rhapsode.errors import Cancelled
from rhapsode.media.waveform import Waveform
from rhapsode.motion.windowed_encoder import WindowedEncoder
from rhapsode.options import AnimationOptions
from rhapsode.portrait import Portrait
from rhapsode.studio.preview import Excerpt, Previewer, Rehearsed

#: What one request after another asks for.
WISHES: list[Mapping[str, Any]] = [
    {}, {"mouth": 1.5}, {"head_motion": 0.4, "blink": 2.0, "gaze": 0.2}, {"style": "happy"},
    {"style": "happy", "style_strength": 1.3}, {"style": "smile*0.6"}, {"mouth": 0.5},
]  # fmt: skip


class CountingEncoder(WindowedEncoder):
    """Count the steps that an encoder takes."""

    steps = 0

    @property
    def wide(self) -> "CountingEncoder":
        return self

    def step(self, mel: np.ndarray, state: Mapping[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        self.steps += 1
        return super().step(mel, state)


@pytest.fixture(scope="module")
def counted(animator: Animator) -> tuple[Animator, CountingEncoder]:
    encoder = CountingEncoder(animator.speech.encoder._session, wide=True)  # type: ignore[attr-defined]
    speech = replace(animator.speech, encoder=encoder)
    return Animator(speech, animator.head, animator.picture, 2, animator.bundle), encoder


@pytest.fixture(scope="module")
def portrait(animator: Animator, astronaut: np.ndarray) -> Portrait:
    return animator.load_portrait(astronaut[:256, 96:352])


@pytest.fixture
def excerpt() -> Excerpt:
    return Excerpt(Waveform(np.tile(hello(), 2), 16_000))


def test_what_is_remembered_changes_no_frame(animator: Animator, portrait: Portrait, excerpt: Excerpt) -> None:
    for wish in WISHES:
        options = AnimationOptions(fps=5, **wish)
        remembered = list(Rehearsed(animator, excerpt).animate(portrait, excerpt.sound, options))
        assert np.array_equal(remembered, list(animator.animate(portrait, excerpt.sound, options)))


def test_a_sound_is_heard_once_whatever_the_sliders_say(
    counted: tuple[Animator, CountingEncoder], portrait: Portrait, excerpt: Excerpt
) -> None:
    animator, encoder = counted
    previewer, heard = Previewer(), []
    for wish in WISHES:
        previewer.make(animator, portrait, excerpt, AnimationOptions(**wish))
        heard.append(encoder.steps)
    assert heard[0] > 0
    assert set(heard) == {heard[0]}


def test_a_preview_that_nobody_waits_for_is_dropped_within_a_frame(
    animator: Animator, portrait: Portrait, excerpt: Excerpt
) -> None:
    previewer, asked = Previewer(), 0

    def wanted() -> bool:
        nonlocal asked
        asked += 1
        return asked < 4

    with pytest.raises(Cancelled):
        previewer.make(animator, portrait, excerpt, AnimationOptions(), wanted)
    assert asked == 4
    with pytest.raises(Cancelled):  # before its turn has come
        previewer.make(animator, portrait, excerpt, AnimationOptions(), lambda: False)
    options = AnimationOptions(fps=5)  # what was cut short leaves nothing wrong behind
    remembered = list(Rehearsed(animator, excerpt).animate(portrait, excerpt.sound, options))
    assert np.array_equal(remembered, list(animator.animate(portrait, excerpt.sound, options)))


@pytest.mark.parametrize(("fps", "shown"), [(25, 12.5), (30, 15), ("29.97", Fraction(15000, 1001)), (60, 15), (12, 12)])
def test_a_preview_shows_every_frame_of_the_video_or_every_so_manieth(
    animator: Animator, portrait: Portrait, excerpt: Excerpt, fps: Any, shown: Any, tmp_path: Any
) -> None:
    from rhapsode.media.reader import probe

    path = tmp_path / "preview.mp4"
    path.write_bytes(Previewer().make(animator, portrait, excerpt, AnimationOptions(fps=fps)))
    assert probe(path).fps == pytest.approx(float(shown))
