from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from rhapsode.bundle import Bundle
from rhapsode.errors import DataError
from rhapsode.face.expression_basis import expression_basis
from rhapsode.face.expression_network import FILE, ExpressionNetwork, points_of
from rhapsode.face.units import UNITS
from rhapsode.models.expression_network import TorchExpressionNetwork
from rhapsode.training import expression_network
from rhapsode.training.expression_meshes import read_meshes
from rhapsode.training.expression_network import ExpressionNetworkRecipe, train
from rhapsode.training.expression_samples import Samples, measured, mirrored, some_units
from rhapsode.training.loop import Loop


@pytest.fixture(scope="module")
def data(talking_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short films of two people, one to learn from, one to check."""
    folder = tmp_path_factory.mktemp("expressions")
    for name in ("a", "b"):
        (folder / f"{name}.mp4").write_bytes(talking_clip.read_bytes())
    rows = "a.mp4,a,train,neutral,x\nb.mp4,b,val,neutral,x\n"
    (folder / "clips.csv").write_text("path,speaker,split,style,licence\n" + rows)
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("meshes")


def test_two_steps_make_a_network(data: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The network that ships teaches: its own teacher is no part of the project.
    monkeypatch.setattr(expression_network, "ExpressionTeacher", lambda file: ExpressionNetwork.load())
    recipe = ExpressionNetworkRecipe(
        data, tmp_path / "teacher", tmp_path / "model", store=store, samples=40, widths=(8, 8), batch=4,
        loop=Loop(steps=2, check_every=1),
    )  # fmt: skip
    made = ExpressionNetwork.load(train(recipe))
    assert Bundle.load(tmp_path / "model").own(FILE)
    meshes = read_meshes(data, None, store)[0].meshes
    assert np.allclose(made.neutral, made.units(meshes).mean(0), atol=1e-4)
    assert np.allclose(made.spread, 0)  # one person


def test_what_is_trained_tells_what_is_run() -> None:
    torch.manual_seed(0)
    basis = expression_basis()
    faces = 100 * (basis.resting + np.random.default_rng(0).uniform(0, 1, (20, 1, 1)) * basis.mesh[:20])
    points = torch.from_numpy(points_of(faces))
    trained = TorchExpressionNetwork((16, 12), points).eval()
    of_people = dict.fromkeys(("neutral", "spread", "lasting", "resting"), np.zeros(51))
    running = ExpressionNetwork({**trained.tensors(), **of_people})
    with torch.inference_mode():
        wanted = trained(points).numpy()
    # It is kept in half precision.
    assert wanted.std() > 0.02 and np.abs(running.units(faces) - wanted).max() < 0.01


def test_stills_are_read_by_their_list_and_tracked_once(
    data: Path, store: Path, astronaut: np.ndarray, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "face.png"), astronaut[:256, 96:352, ::-1])
    (tmp_path / "faces.csv").write_text("path,person,split,expression,licence\nface.png,c,train,smiling,x\n")
    first = read_meshes(data, tmp_path, store)
    assert [one.clip.speaker for one in first] == ["a", "b", "c"] and first[2].meshes.shape == (1, 478, 3)
    kept = sorted(store.iterdir())
    again = read_meshes(data, tmp_path, store)
    assert all(np.array_equal(one.meshes, two.meshes) for one, two in zip(first, again, strict=True))
    assert sorted(store.iterdir()) == kept
    (tmp_path / "face.png").unlink()
    with pytest.raises(DataError, match=r"face\.png: listed in faces\.csv"):
        read_meshes(data, tmp_path, store)


def test_samples_differ_from_what_was_filmed_and_are_faces_still(data: Path, store: Path) -> None:
    rng = np.random.default_rng(0)
    faces = Samples(read_meshes(data, None, store)[:1]).draw(30, rng)
    spread = faces.std(0).mean()
    assert faces.shape == (30, 478, 3) and 0.005 < spread < 0.2
    assert np.abs(measured(faces, rng) - measured(faces, rng)).mean() < 0.02


def test_units_are_drawn_on_both_sides_mostly() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([some_units(rng) for _ in range(200)])
    left, right = (drawn[:, UNITS.index(f"mouthSmile{side}")] for side in ("Left", "Right"))
    assert drawn.min() >= 0 and np.corrcoef(left, right)[0, 1] > 0.4
    assert mirrored(UNITS.index("browDownLeft")) == UNITS.index("browDownRight")
    assert UNITS[mirrored(UNITS.index("jawOpen"))] == "jawOpen"
    assert UNITS[mirrored(UNITS.index("mouthLeft"))] == "mouthRight"


def test_nobody_to_learn_from_is_refused(
    data: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expression_network, "ExpressionTeacher", lambda file: ExpressionNetwork.load())
    (tmp_path / "a.mp4").write_bytes((data / "a.mp4").read_bytes())
    (tmp_path / "clips.csv").write_text("path,speaker,split,style,licence\na.mp4,a,val,neutral,x\n")
    recipe = ExpressionNetworkRecipe(tmp_path, tmp_path / "teacher", tmp_path / "model", store=store)
    with pytest.raises(DataError, match="nobody of split train"):
        train(recipe)
