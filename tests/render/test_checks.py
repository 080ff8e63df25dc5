"""Portraits that cannot be seen well enough, made of the astronaut."""

import logging
from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from rhapsode.animator import Animator
from rhapsode.errors import PortraitError
from rhapsode.face.geometry import Pose, fit_pose
from rhapsode.face.tracker import Face
from rhapsode.render.checks import mouth_is_covered, turned
from rhapsode.render.portrait import MeasuredPortrait

LOWER_FACE = [
    234,
    93,
    132,
    58,
    172,
    136,
    150,
    149,
    176,
    148,
    152,
    377,
    400,
    378,
    379,
    365,
    397,
    288,
    361,
    323,
    454,
    197,
]


def masked(portrait: MeasuredPortrait, colour: tuple[int, int, int]) -> np.ndarray:
    image = portrait.image.copy()
    cv2.fillPoly(image, [np.rint(portrait.face.mesh[LOWER_FACE, :2]).astype(np.int32)], colour)
    return cv2.GaussianBlur(image, (0, 0), 1.0)


def seen_from(portrait: MeasuredPortrait, degrees: float) -> MeasuredPortrait:
    """The same face, turned to the side."""
    turn = Rotation.from_euler("y", degrees, degrees=True).as_matrix()
    middle = portrait.face.mesh.mean(0)
    face = Face(((portrait.face.mesh - middle) @ turn.T + middle).astype(np.float32))
    pose: Pose = fit_pose(face.landmarks[None].astype(np.float64))
    return replace(portrait, face=face, pose=pose)


def test_a_face_seen_from_the_front_is_not_turned(animator: Animator, astronaut: np.ndarray) -> None:
    portrait = animator.load_portrait(astronaut).measured
    assert turned(portrait) < 8
    for degrees in (-50, 30, 60):
        assert turned(seen_from(portrait, degrees)) == pytest.approx(abs(degrees), abs=8)


def test_a_face_in_profile_is_refused_in_one_line_and_a_turned_one_warned_of(
    animator: Animator, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    portrait = animator.load_portrait(astronaut).measured
    monkeypatch.setattr(MeasuredPortrait, "from_image", lambda *_: seen_from(portrait, 60))
    with pytest.raises(PortraitError, match=r"degrees to the side.*from the front"):
        animator.load_portrait(astronaut)
    monkeypatch.setattr(MeasuredPortrait, "from_image", lambda *_: seen_from(portrait, 36))
    with caplog.at_level(logging.WARNING):
        animator.load_portrait(astronaut)
    assert "from the front looks better" in caplog.text


@pytest.mark.parametrize("colour", [(150, 190, 220), (20, 20, 25), (240, 240, 240)])
def test_a_mask_over_the_mouth_is_noticed(
    animator: Animator, astronaut: np.ndarray, colour: tuple[int, int, int], caplog: pytest.LogCaptureFixture
) -> None:
    portrait = animator.load_portrait(astronaut).measured
    assert not mouth_is_covered(portrait) and not caplog.records
    with caplog.at_level(logging.WARNING):
        animator.load_portrait(masked(portrait, colour))
    assert "cover the mouth" in caplog.text
