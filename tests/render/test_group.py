"""Two people in one picture: each moves by itself, and neither harms the other, side by side or overlapping."""

from collections.abc import Iterator

import numpy as np
import pytest
from tests.pictures import two_people

from rhapsode.face.cache import CachedTracker
from rhapsode.face.tracker import FaceTracker
from rhapsode.paint.layers import mouth_layers
from rhapsode.render.drawn_face import DrawnFace, FacePose
from rhapsode.render.group import MeasuredGroup
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer

STILL = FacePose(np.zeros((68, 3)), np.zeros((2, 2)), np.zeros(3), np.zeros(3))


def opened() -> np.ndarray:
    """The lower lip goes down."""
    offsets = np.zeros((68, 3))
    offsets[[55, 56, 57, 58, 59, 65, 66, 67, 7, 8, 9], 1] = 0.12
    return offsets


LEFT = FacePose(opened(), np.full((2, 2), [0.85, 0.15]), np.deg2rad([4.0, 7.0, 5.0]), np.array([0.12, -0.05, 0]))
RIGHT = FacePose(np.zeros((68, 3)), np.zeros((2, 2)), np.deg2rad([-4.0, -7.0, -5.0]), np.array([-0.12, 0.05, 0]))


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CachedTracker]:
    with CachedTracker(tmp_path_factory.mktemp("faces"), make_tracker=FaceTracker) as one:
        yield one


def measured(tracker: CachedTracker, image: np.ndarray) -> MeasuredGroup:
    faces = sorted(tracker.detect(image), key=lambda face: face.box[0])
    assert len(faces) == 2
    return MeasuredGroup(tuple(MeasuredPortrait.from_image(image, tracker, face, tracker.kept) for face in faces))


@pytest.fixture(scope="module", params=["apart", "overlapping", "head to head"])
def group(request: pytest.FixtureRequest, tracker: CachedTracker) -> MeasuredGroup:
    return measured(tracker, two_people({"apart": 300, "overlapping": 200, "head to head": 125}[request.param]))


@pytest.fixture
def renderer(group: MeasuredGroup) -> Renderer:
    faces = [DrawnFace(one, mouth_layers(one), head) for one, head in zip(group.portraits, group.heads, strict=True)]
    return Renderer.of_faces(faces, group.stage)


def face_of(group: MeasuredGroup, number: int) -> np.ndarray:
    """(H, W) bool: the face in the picture."""
    left, top, right, bottom = group.portraits[number].face.box
    y, x = np.indices(group.image.shape[:2])
    return np.asarray((x > left) & (x < right) & (y > top) & (y < bottom))


def test_people_at_rest_are_the_picture_itself(group: MeasuredGroup, renderer: Renderer) -> None:
    assert np.array_equal(renderer.render_all([STILL, STILL]), group.image)


def test_who_moves_leaves_the_face_of_the_other_where_it_is(group: MeasuredGroup, renderer: Renderer) -> None:
    for poses, mover, other in (([LEFT, STILL], 0, 1), ([STILL, RIGHT], 1, 0)):
        change = np.abs(renderer.render_all(poses).astype(int) - group.image).mean(-1)
        assert change[face_of(group, mover)].mean() > 5
        assert change[face_of(group, other)].mean() < 1


def test_faces_move_together_as_each_does_alone(group: MeasuredGroup, renderer: Renderer) -> None:
    both = renderer.render_all([LEFT, RIGHT]).astype(int)
    for number, poses in enumerate(([LEFT, STILL], [STILL, RIGHT])):
        there = face_of(group, number)
        assert np.abs(both - renderer.render_all(poses))[there].mean() < 1.5


def test_every_point_follows_people_by_shares_of_one(group: MeasuredGroup) -> None:
    translation = np.array([0.1, 0.0, 0.0])
    moved = [head.displacement(np.zeros(3), translation)[..., 0] / 0.1 for head in group.heads]
    most = max(one.unit for one in group.portraits)
    assert np.add.reduce(moved).max() <= most * 1.001
    slope = np.abs(np.diff(moved[0] - moved[1], axis=1)).max() / group.heads[0].grid.step * 0.1
    assert slope < 0.8, "nothing folds, however heads move"


def test_what_is_behind_people_stays_still(group: MeasuredGroup, renderer: Renderer) -> None:
    frame = renderer.render_all([LEFT, RIGHT])
    y, x = np.indices(group.image.shape[:2])
    far = (group.portraits[0].person < 0.1) & (y < 60) & (x < 60)
    assert far.sum() > 1000 and np.array_equal(frame[far], group.image[far])


def test_an_open_mouth_beside_one_that_rests_leaves_that_as_it_is(group: MeasuredGroup, renderer: Renderer) -> None:
    speaks = STILL._replace(expression=opened())
    change = np.abs(renderer.render_all([speaks, STILL]).astype(int) - group.image).mean(-1)
    assert change[face_of(group, 0)].mean() > 0.5
    assert not change[face_of(group, 1)].any()


def test_both_are_seen_before_another_background_and_transparent(group: MeasuredGroup) -> None:
    wall = np.full_like(group.image, (0, 90, 180))
    faces = [DrawnFace(one, (), head) for one, head in zip(group.portraits, group.heads, strict=True)]
    before = Renderer.of_faces(faces, group.before(wall)).render_all([LEFT, RIGHT])
    clear = Renderer.of_faces(faces, group.before(None)).render_all([LEFT, RIGHT])
    for number in (0, 1):
        x, y = group.portraits[number].face.mesh[:, :2].mean(0).astype(int)
        middle = np.s_[y - 5 : y + 5, x - 5 : x + 5]
        assert (clear[middle][..., 3] == 255).all() and np.abs(before[middle].astype(int) - wall[middle]).mean() > 20
    sky = np.s_[:20, 80:140]
    assert (clear[sky][..., 3] == 0).all() and (before[sky] == wall[sky]).all()
