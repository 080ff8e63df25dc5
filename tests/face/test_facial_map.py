import numpy as np

from rhapsode.face.facial_map import FULL_SIZE, LINES, draw_facial_map, project
from rhapsode.face.geometry import mean_face

#: A weak-perspective camera: 150 pixels a unit, the face's origin a little above the middle.
CAMERA = np.array([[150.0, 0, 0, 256], [0, 150.0, 0, 200], [0, 0, 0, 1]])


def test_a_camera_with_perspective_divides_by_depth() -> None:
    camera = np.array([[100.0, 0, 50, 0], [0, 100.0, 50, 0], [0, 0, 1.0, 0]])
    near, far = project(np.array([[0.2, 0.1, 1.0], [0.2, 0.1, 2.0]]), camera)
    assert np.allclose(near, [70, 60]) and np.allclose(far, [60, 55])


def test_every_landmark_belongs_to_one_line() -> None:
    joined = np.concatenate([points for _, points, _ in LINES])
    assert np.array_equal(np.sort(joined), np.arange(68))


def test_the_map_is_white_at_the_landmarks_and_black_away_from_them() -> None:
    drawing = draw_facial_map(mean_face(), CAMERA)
    assert drawing.shape == (FULL_SIZE, FULL_SIZE) and drawing.dtype == np.uint8
    x, y = np.rint(project(mean_face(), CAMERA)).astype(int).T
    inside = (x >= 0) & (x < FULL_SIZE) & (y >= 0) & (y < FULL_SIZE)
    assert (drawing[y[inside], x[inside]] > 100).all()
    assert drawing[:20].max() == 0 and (drawing > 0).mean() < 0.05


def test_a_mouth_that_opens_changes_the_map_at_the_mouth_alone() -> None:
    opened = mean_face().copy()
    opened[[65, 66, 67], 1] += 0.1
    change = np.argwhere(draw_facial_map(opened, CAMERA) != draw_facial_map(mean_face(), CAMERA))
    lips = project(mean_face()[48:68], CAMERA)
    assert len(change)
    assert change[:, 0].min() > lips[:, 1].min() - 5 and change[:, 0].max() < lips[:, 1].max() + 20
