import json
import shutil
from pathlib import Path

import pytest

from rhapsode.bundle import MANIFEST, Bundle, Facts, write_manifest
from rhapsode.errors import WeightsError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model folder with one file."""
    (tmp_path / "head_motion.safetensors").write_bytes(b"a head")
    facts = Facts("CC0-1.0", {"order": 3}, "five clips", "abc123")
    write_manifest(tmp_path, {"head_motion.safetensors": facts})
    return tmp_path


def test_a_model_gives_its_own_files_and_the_shipped_ones_that_it_lacks(model: Path) -> None:
    bundle = Bundle.load(model)
    assert bundle.path("head_motion.safetensors") == model / "head_motion.safetensors"
    assert bundle.path("motion_generator.safetensors") == Bundle.load("default").path("motion_generator.safetensors")
    assert bundle.own("head_motion.safetensors") and not bundle.own("motion_generator.safetensors")


def test_a_model_without_a_base_has_only_its_own_files(tmp_path: Path) -> None:
    write_manifest(tmp_path, {}, base=None)
    with pytest.raises(WeightsError, match=r"has no motion_generator\.safetensors"):
        Bundle.load(tmp_path).path("motion_generator.safetensors")


def test_the_manifest_tells_license_recipe_data_and_commit(model: Path) -> None:
    facts = Bundle.load(model).facts("head_motion.safetensors")
    assert facts == Facts("CC0-1.0", {"order": 3}, "five clips", "abc123")


def test_a_further_file_completes_a_model_and_the_rest_stays(model: Path) -> None:
    (model / "mean_face.safetensors").write_bytes(b"a face")
    write_manifest(model, {"mean_face.safetensors": Facts("CC-BY-4.0")})
    bundle = Bundle.load(model)
    assert bundle.own("mean_face.safetensors")
    assert bundle.facts("head_motion.safetensors").license == "CC0-1.0"


@pytest.mark.parametrize("content", [b"a tail", b"a longer head"], ids=["another content", "another size"])
def test_a_damaged_file_is_refused_in_one_line(model: Path, content: bytes) -> None:
    (model / "head_motion.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match=r"head_motion\.safetensors: not a usable file of a model") as caught:
        Bundle.load(model).path("head_motion.safetensors")
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_file_is_refused_in_one_line(model: Path) -> None:
    (model / "head_motion.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"head_motion\.safetensors: not a usable file of a model .*No such file"):
        Bundle.load(model).path("head_motion.safetensors")


def test_a_folder_without_a_manifest_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"is no model folder \(bundle\.json is missing\)") as caught:
        Bundle.load(tmp_path)
    assert caught.value.code == "no-model"


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"base": "another"},
        {"files": {"../outside.safetensors": {"size": 1, "sha256": "0" * 64}}},
        {"files": {"/outside.safetensors": {"size": 1, "sha256": "0" * 64}}},
        {"files": {"head.safetensors": {"size": 1}}},
        {"files": []},
    ],
    ids=["newer format", "unknown base", "path that leaves the folder", "absolute path", "no hash", "no table"],
)
def test_a_faulty_manifest_is_refused_in_one_line(model: Path, change: dict[str, object]) -> None:
    manifest = json.loads((model / MANIFEST).read_text())
    (model / MANIFEST).write_text(json.dumps(manifest | change))
    with pytest.raises(WeightsError, match=r"bundle\.json: not a usable manifest") as caught:
        Bundle.load(model)
    assert len(str(caught.value).splitlines()) == 1


def test_the_shipped_manifest_lists_every_shipped_file_and_each_is_whole(tmp_path: Path) -> None:
    shipped = Bundle.load()
    there = {
        path.relative_to(shipped.folder).as_posix()
        for path in shipped.folder.rglob("*")
        if path.suffix in (".safetensors", ".onnx")
    }
    assert set(shipped.entries) == there
    for name in there:
        shipped.path(name)
        assert shipped.facts(name).license and shipped.facts(name).recipe and shipped.facts(name).data


def test_the_styles_of_a_model_are_its_own_or_else_those_of_its_base(model: Path) -> None:
    assert Bundle.load(model).styles == Bundle.load().styles
    (model / "styles").mkdir()
    (model / "styles" / "ballad.safetensors").write_bytes(b"a style")
    write_manifest(model, {"styles/ballad.safetensors": Facts()})
    assert Bundle.load(model).styles == model / "styles"


def test_research_weights_are_a_bundle_beside_the_source_and_not_of_the_package() -> None:
    research = Bundle.load("research")
    for name in research.entries:
        assert research.path(name).is_file() and name not in Bundle.load()


def test_where_no_research_weights_are_a_line_says_where_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("rhapsode.bundle.files", lambda _: tmp_path / "site-packages" / "rhapsode")
    with pytest.raises(WeightsError, match="does not come with the package"):
        Bundle.load("research")


def test_a_copy_of_the_shipped_folder_is_a_model(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(Bundle.load().folder, copy)
    assert Bundle.load(copy).path("motion_generator.safetensors").parent == copy
