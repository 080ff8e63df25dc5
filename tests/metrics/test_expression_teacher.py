from pathlib import Path

import numpy as np
import pytest

from rhapsode.errors import WeightsError
from rhapsode.face.expression_network import ExpressionNetwork
from rhapsode.face.tracker import FaceTracker
from rhapsode.metrics.expression_teacher import ExpressionTeacher

pytest.importorskip("ai_edge_litert", reason="extra `teacher` is not installed")


FILE = Path(__file__).parents[3] / "shared" / "teachers" / "face_blendshapes.tflite"


@pytest.mark.skipif(not FILE.is_file(), reason="the teacher is no part of the project")
def test_the_network_tells_what_its_teacher_tells(astronaut: np.ndarray) -> None:
    with FaceTracker() as tracker:
        mesh = tracker.detect(astronaut)[0].mesh[None]
    taught, told = ExpressionTeacher(FILE).units(mesh), ExpressionNetwork.load().units(mesh)
    assert taught.shape == (1, 51) and np.corrcoef(taught[0], told[0])[0, 1] > 0.95


def test_a_missing_or_other_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        ExpressionTeacher(tmp_path / "teacher.tflite")
    (tmp_path / "teacher.tflite").write_bytes(b"no network at all, but long enough to look at")
    with pytest.raises(WeightsError, match="not a network for expressions"):
        ExpressionTeacher(tmp_path / "teacher.tflite")
