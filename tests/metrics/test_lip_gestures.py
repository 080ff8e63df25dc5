"""What lips must do on a phone."""

# ruff: noqa: RUF001 (phones are written in IPA)

import numpy as np

from rhapsode.media.synthesis import Phone
from rhapsode.metrics.lip_gestures import lip_gestures


def test_lips_meet_on_p_b_m_and_part_on_open_vowels() -> None:
    phones = [
        Phone("m", 0.1, 0.2),
        Phone("ˈaː", 0.2, 0.4),
        Phone("p", 0.45, 0.5),
        Phone("ɪ", 0.5, 0.6),
        Phone("", 0.6, 1),
    ]
    gestures = lip_gestures(phones)
    np.testing.assert_allclose(gestures.shut, [(0.1, 0.2), (0.4, 0.45)])
    np.testing.assert_allclose(gestures.parted, [(0.2, 0.4)])


def test_a_sound_without_phones_has_no_gestures() -> None:
    assert lip_gestures([]).shut.shape == (0, 2)
