"""A linear face model is read and drawn."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from rhapsode.errors import WeightsError
from rhapsode.face.units import UNITS
from rhapsode.training.face_model import FaceModel


@pytest.fixture
def model(tmp_path: Path) -> FaceModel:
    """Make a model of two squares, the second in front of the first, and 55 expressions as the ICT model names them."""
    sided = {unit.removesuffix("Left").removesuffix("Right") for unit in UNITS} - {"jaw", "mouth"}
    whole = {"jawForward", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthRollLower", "mouthRollUpper"}
    whole |= {"mouthShrugLower", "mouthShrugUpper"}
    names = sorted({f"{one}_{side}" for one in sided - whole for side in "LR"} | whole | {"jawLeft", "jawRight"})
    names = sorted({*names, "mouthLeft", "mouthRight"})
    square = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32) * 10
    mean = np.concatenate([square, square * 0.5 + [0, 0, 1]]).astype(np.float32)
    shapes = np.zeros((len(names), 8, 3), np.float16)
    shapes[:, 0, 1] = np.arange(len(names))
    parts = {"upper_teeth": [8, 8], "lower_teeth": [8, 8], "eyeballs": [0, 4], "face": [0, 8]}
    path = tmp_path / "model.safetensors"
    tensors = {
        "mean": mean,
        "identity": np.ones((2, 8, 3), np.float16),
        "expression": shapes,
        "landmarks68": np.zeros(68, np.int32),
        "faces": np.array([[0, 1, 2, 3], [4, 5, 6, -1]], np.int32),
    }
    save_file(tensors, path, {"expressions": json.dumps(names), "parts": json.dumps(parts)})
    return FaceModel(path)


def test_units_without_sides_are_the_sum_of_both_sides(model: FaceModel) -> None:
    inner = model.units[UNITS.index("browInnerUp"), 0, 1]
    left, right = (model._names.index(f"browInnerUp_{side}") for side in "LR")
    assert inner == left + right


def test_what_lies_in_front_hides_what_lies_behind(model: FaceModel) -> None:
    middle = len(model.draw(model.mean).corners) // 2
    near = model.draw(model.mean).corners[middle + 5 : middle + 40, middle + 50 : middle + 90]
    away = model.draw(model.mean).corners[middle - 200 : middle - 130, middle - 200 : middle - 130]
    assert set(near[near >= 0]) == {4, 5, 6}
    assert set(away[away >= 0]) == {0, 1, 2, 3}


def test_a_file_that_is_no_face_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="face model"):
        FaceModel(tmp_path / "none.safetensors")
