"""Eyes of a photograph that look around."""

import cv2
import numpy as np
import pytest

from rhapsode.face.tracker import FaceTracker
from rhapsode.face.units import AT_REST
from rhapsode.render.eye import EYES, Eye, measure_eye
from rhapsode.render.gaze import Gaze
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer

ZERO, OPEN, SHUT = np.zeros(3), np.zeros((2, 2)), np.array([[0.85, 0.15], [0.85, 0.15]])


@pytest.fixture(scope="module")
def portrait(astronaut: np.ndarray) -> MeasuredPortrait:
    with FaceTracker() as tracker:
        return MeasuredPortrait.from_image(astronaut, tracker)


@pytest.fixture(scope="module")
def renderer(portrait: MeasuredPortrait) -> Renderer:
    return Renderer(portrait)


def looking(renderer: Renderer, right: float, down: float, lids: np.ndarray = OPEN) -> np.ndarray:
    """The face with its eyes turned by degrees."""
    return renderer.render(np.zeros((68, 3)), lids, ZERO, ZERO, AT_REST, np.radians([right, down]))


def eyes(portrait: MeasuredPortrait) -> list[Eye]:
    mesh = portrait.face.mesh[:, :2].astype(np.float64)
    return [measure_eye(portrait.image, mesh, portrait.unit, points) for points in EYES]


def dark_place(frame: np.ndarray, eye: Eye) -> np.ndarray:
    """The middle of what is dark between the lids, (2,), pixels of the eye's box."""
    part, edge = frame[eye.box.slices].mean(-1), 2 * eye.iris.radius
    y, x = np.mgrid[: part.shape[0], : part.shape[1]]
    near = np.hypot(x - eye.iris.centre[0], 2 * (y - eye.iris.centre[1])) < edge
    dark = np.clip(110 - part, 0, None) * near
    return np.array([(dark * x).sum(), (dark * y).sum()]) / dark.sum()


@pytest.mark.parametrize(("right", "down"), [(6, 0), (-6, 0), (0, 6), (0, -6)])
def test_irises_move_where_the_eyes_look(
    renderer: Renderer, portrait: MeasuredPortrait, right: float, down: float
) -> None:
    frame, way = looking(renderer, right, down), np.array([right, down]) / 6
    for eye in eyes(portrait):
        moved = way @ (dark_place(frame, eye) - dark_place(portrait.image, eye))
        # An eyeball is twice as wide as its iris; lashes and lids are dark too, and move less.
        assert 0.15 * eye.iris.radius * 0.21 < moved < 1.3 * eye.iris.radius * 0.21


def test_looking_aside_moves_nothing_but_what_is_between_the_lids(
    renderer: Renderer, portrait: MeasuredPortrait
) -> None:
    for eye in eyes(portrait):
        frame = looking(renderer, *(8 * eye.axes[0]))[eye.box.slices]
        edge = np.concatenate([np.column_stack([eye.along, eye.upper]), np.column_stack([eye.along, eye.lower])[::-1]])
        inside = np.zeros(frame.shape[:2], np.uint8)
        cv2.fillPoly(inside, [np.rint(edge @ eye.axes + eye.origin - [eye.box.left, eye.box.top]).astype(np.int32)], 1)
        changed = np.abs(frame.astype(int) - portrait.image[eye.box.slices]).max(-1) > 3
        assert changed.sum() > 20 and not changed[cv2.dilate(inside, np.ones((3, 3))) == 0].any()


def test_nothing_pops_as_eyes_turn(renderer: Renderer, portrait: MeasuredPortrait) -> None:
    frames = [portrait.image, *(looking(renderer, 0.1 * n, 0.05 * n) for n in range(1, 100, 3))]
    steps = [np.abs(a.astype(int) - b).max() for a, b in zip(frames[1:], frames[:-1], strict=True)]
    assert max(steps) < 25, "for a third of a degree"


def test_lids_follow_eyes_that_look_down(renderer: Renderer, portrait: MeasuredPortrait) -> None:
    with FaceTracker() as tracker:
        still, down = (tracker.detect(looking(renderer, 0, angle))[0].mesh for angle in (0, 9))
    for upper in (159, 386):
        assert 0.2 < down[upper, 1] - still[upper, 1] < 2


@pytest.mark.parametrize("angle", np.radians([0, 45, 90, 180, 250]))
def test_no_look_folds_the_picture(portrait: MeasuredPortrait, angle: float) -> None:
    for eye in eyes(portrait):
        box = eye.box
        x, y = np.meshgrid(np.arange(box.left, box.right), np.arange(box.top, box.bottom))
        points = np.stack([x, y], axis=-1).astype(np.float32)
        source = Gaze(eye, portrait.unit).look(points, np.radians(25) * np.array([np.cos(angle), np.sin(angle)]))
        assert (np.diff(source[..., 0], axis=1) > 0).all() and (np.diff(source[..., 1], axis=0) > 0).all()


def test_closed_eyes_do_not_look_around(renderer: Renderer) -> None:
    with FaceTracker() as tracker:
        asleep = MeasuredPortrait.from_image(looking(renderer, 0, 0, SHUT), tracker)
    frame = looking(Renderer(asleep), 8, 8)
    assert np.abs(frame.astype(int) - asleep.image).max() <= 12
