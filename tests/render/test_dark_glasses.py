"""Eyes behind black glass, painted on a photograph."""

import cv2
import numpy as np

from rhapsode.face.tracker import FaceTracker
from rhapsode.face.units import AT_REST
from rhapsode.render.dark_glasses import are_hidden
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer

SHUT = np.array([[0.85, 0.15], [0.85, 0.15]])


def test_behind_black_glass_nothing_moves_and_a_free_eye_blinks(astronaut: np.ndarray) -> None:
    with FaceTracker() as tracker:
        mesh = tracker.detect(astronaut)[0].mesh[:, :2]
        worn = astronaut.copy()
        cv2.circle(worn, (int(mesh[468, 0]), int(mesh[468, 1])), 17, (15, 15, 18), -1, cv2.LINE_AA)
        cv2.line(worn, (195, 93), (205, 91), (200, 200, 210), 2)
        wearer = MeasuredPortrait.from_image(worn, tracker)
    assert are_hidden(worn, wearer.face.mesh[:, :2], wearer.unit) == (True, False)
    assert are_hidden(astronaut, mesh, wearer.unit) == (False, False)
    frame = Renderer(wearer).render(
        np.zeros((68, 3)), SHUT, np.zeros(3), np.zeros(3), AT_REST, np.array([0.1, 0.05])
    )  # fmt: skip
    changed = np.abs(frame.astype(int) - worn).max(-1)
    assert changed[:, :225].max() <= 2 < 50 < changed[:, 225:].max()
