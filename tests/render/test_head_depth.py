"""How deep a head lies in a picture, and how far it can turn: the astronaut of scikit-image."""

from collections.abc import Iterator

import numpy as np
import pytest
from skimage import data

from rhapsode.face.tracker import FaceTracker
from rhapsode.motion.head import LIMITS
from rhapsode.render.grid import Box
from rhapsode.render.portrait import MeasuredPortrait


@pytest.fixture(scope="module")
def portrait() -> Iterator[MeasuredPortrait]:
    with FaceTracker() as tracker:
        yield MeasuredPortrait.from_image(data.astronaut(), tracker)


def depth(portrait: MeasuredPortrait, across: float, down: float) -> float:
    """Depth in canonical units at a place relative to the tip of the nose, canonical units."""
    x, y = portrait.face.landmarks[30, :2] + portrait.unit * np.array([across, down])
    head = portrait.head
    return float(head.grid.sample(head.depth[..., None], np.array([[x, y]], np.float32))[0, 0]) / portrait.unit


def test_what_is_nearer_on_a_head_is_nearer_in_its_picture(portrait: MeasuredPortrait) -> None:
    nose, cheek, hair, chin, neck = (
        depth(portrait, *place) for place in ((0, 0), (0.45, 0), (0.85, -0.5), (0, 0.85), (0, 1.25))
    )
    assert nose < cheek - 0.25 < hair - 0.5
    assert chin < neck - 0.2


def sources(portrait: MeasuredPortrait, degrees: float) -> np.ndarray:
    """Where the pixels around the face come from, (h, w, 2), when the head is turned."""
    rotation = np.deg2rad([0.0, degrees, 0.0])
    moved = portrait.head.source(portrait.head.displacement(rotation, np.zeros(3)), rotation)
    face = Box.around(portrait.face.mesh[:468, :2], 0.1 * portrait.unit)
    return portrait.head.grid.enlarge(moved, face)


@pytest.mark.parametrize("degrees", [-20, -10, 10, 20])
def test_no_part_of_a_turned_face_is_seen_twice(portrait: MeasuredPortrait, degrees: float) -> None:
    across = np.diff(sources(portrait, degrees)[..., 0], axis=1)
    assert across.min() > -0.05


def test_a_face_seen_from_the_front_turns_alike_to_both_sides(portrait: MeasuredPortrait) -> None:
    limits = portrait.head_limits
    assert (np.abs(limits) <= np.abs(LIMITS)).all()
    assert (np.degrees(np.abs(limits[:, 1])) > 15).all()
    assert (np.degrees(np.abs(limits[:, 0])) > 10).all()
