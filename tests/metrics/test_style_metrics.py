from collections.abc import Callable

import numpy as np
import pytest

from rhapsode.face.geometry import mean_face
from rhapsode.face.landmarks import EYES, MOUTH
from rhapsode.metrics.landmarks import landmark_distance, open_area_difference, velocity_difference
from rhapsode.metrics.style import (
    MOVED,
    StyleDistances,
    published_code_distances,
    style_distances,
    style_distances_over,
)

REST = mean_face()


def _motion(frames: int, seed: int) -> np.ndarray:
    """Offsets that hang together in time, with a mouth that opens."""
    rng = np.random.default_rng(seed)
    motion = 0.01 * rng.standard_normal((frames, 68, 3)).cumsum(0)
    motion[:, 60:64, 1] -= 0.1
    return motion


def _naive(style: np.ndarray, made: list[np.ndarray], window: int, stride: int) -> tuple[float, float, float]:
    """The formulas as they are written."""

    def windows(motion: np.ndarray) -> list[np.ndarray]:
        return [motion[first : first + window] for first in range(0, len(motion) - window + 1, stride)]

    def over(measure: Callable[[np.ndarray, np.ndarray], float], view: Callable[[np.ndarray], np.ndarray]) -> float:
        def nearest(ours: np.ndarray) -> float:
            return min(measure(view(ours), view(theirs)) for each in made for theirs in windows(each))

        return float(np.mean([nearest(ours) for ours in windows(style)]))

    return (
        over(landmark_distance, lambda motion: motion[:, MOVED]),
        over(velocity_difference, lambda motion: motion[:, MOVED]),
        over(open_area_difference, lambda motion: motion + REST),
    )


def _values(distances: StyleDistances) -> tuple[float, float, float]:
    return distances.SLD, distances.SLV, distances.SMD


@pytest.mark.parametrize(("window", "stride"), [(2, 1), (5, 1), (7, 3), (8, 2), (12, 1)])
def test_the_formulas_are_followed(window: int, stride: int) -> None:
    style, made = _motion(23, 0), [_motion(31, 1), _motion(12, 2)]
    found = style_distances(style, made, REST, window, stride)
    assert _values(found) == pytest.approx(_naive(style, made, window, stride), rel=1e-5)


def test_the_mean_over_windows_is_that_of_each_and_windows_that_fit_nowhere_are_left_out() -> None:
    style, made = _motion(30, 0), [_motion(40, 1), _motion(20, 2)]
    each = [_values(style_distances(style, made, REST, window, 2)) for window in (10, 20, 30)]
    found = style_distances_over(style, made, REST, stride=2)
    assert _values(found) == pytest.approx(tuple(np.mean(each, axis=0)))


def test_a_motion_is_no_distance_from_itself_nor_from_a_later_copy() -> None:
    style = _motion(60, 0)
    later = np.concatenate([_motion(17, 3), style])
    for made in (style, later):
        assert _values(style_distances(style, [_motion(30, 1), made], REST)) == (0, 0, 0)
        assert _values(style_distances_over(style, [made], REST)) == (0, 0, 0)


def test_no_window_crosses_from_one_result_to_the_next() -> None:
    style = _motion(40, 0)
    assert style_distances(style, [style[:20], style[20:]], REST, 10).SLD > 0


def test_eyelids_are_not_compared() -> None:
    style = _motion(40, 0)
    blinking = style.copy()
    blinking[10:20, EYES, 1] += 0.1
    assert style_distances(style, [blinking], REST) == StyleDistances(0, 0, 0)


def test_a_face_held_aside_has_its_distance_and_moves_and_opens_alike() -> None:
    style = _motion(40, 0)
    found = style_distances(style, [style + np.array([0.3, 0.0, 0.4])], REST, 40)
    assert _values(found) == pytest.approx((0.5, 0, 0), abs=1e-6)


def test_a_window_that_fits_nowhere_is_refused_with_the_length_of_the_clip() -> None:
    with pytest.raises(ValueError, match="25 frames does not fit into the style clip, which has 20"):
        style_distances(_motion(20, 0), [_motion(50, 1)], REST)
    with pytest.raises(ValueError, match="25 frames does not fit into the longest result, which has 21"):
        published_code_distances(_motion(50, 0), [_motion(20, 1), _motion(21, 1)], REST)
    with pytest.raises(ValueError, match="10 frames does not fit"):
        style_distances_over(_motion(9, 0), [_motion(50, 1)], REST)
    with pytest.raises(ValueError, match="the longest result, which has 0"):
        style_distances(_motion(30, 0), [], REST)
    with pytest.raises(ValueError, match="stride of 1 or more"):
        style_distances(_motion(30, 0), [_motion(30, 0)], REST, stride=0)


def _as_published(style: np.ndarray, made: np.ndarray, window: int, stride: int) -> list[float]:
    """The three loops of the public code."""
    faces = [(motion + REST)[..., :2] for motion in (style, made)]
    placed = [face[:, MOVED] - face[:, MOVED].min(1, keepdims=True) for face in faces]
    widths = [face[..., 0].max(1) for face in placed]
    mouths = [face[:, MOUTH] - face[:, MOUTH].mean(1, keepdims=True) for face in faces]

    def landmarks(i: int, k: int) -> float:
        return 100 * float(np.linalg.norm(placed[0][i] / widths[0][i] - placed[1][k] / widths[1][k], axis=1).mean())

    def velocity(i: int, k: int) -> float:
        a, b = ((face[n] - face[n - 1]) / width[n] for face, width, n in zip(placed, widths, (i, k), strict=True))
        return 100 * float(np.linalg.norm(a - b, axis=1).mean())

    def mouth(i: int, k: int) -> float:
        return float(np.linalg.norm(mouths[0][i] - mouths[1][k], axis=1).mean())

    found = []
    for compare, skip in ((landmarks, 0), (velocity, 1), (mouth, 0)):
        of_style = []
        for start in range(0, len(style) - window + 1, stride):
            distances, means = [], []
            for j in range(0, len(made) - window + 1, stride):
                distances += [compare(start + n, j + n) for n in range(skip, window)]
                means.append(np.mean(distances))
            of_style.append(min(means))
        found.append(float(np.mean(of_style)))
    return found


@pytest.mark.parametrize(("window", "stride"), [(5, 1), (8, 3)])
def test_the_public_code_is_followed_where_it_leaves_the_formulas(window: int, stride: int) -> None:
    style, made = _motion(16, 0), _motion(19, 1)
    found = published_code_distances(style, [made], REST, window, stride)
    assert _values(found) == pytest.approx(_as_published(style, made, window, stride), rel=1e-5)


def test_the_running_means_of_the_public_code_do_not_find_a_later_copy() -> None:
    style = _motion(60, 0)
    later = np.concatenate([_motion(17, 3), style])
    assert published_code_distances(style, [later], REST).SLD > 0.1
