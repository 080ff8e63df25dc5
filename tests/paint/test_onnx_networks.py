"""The ONNX models paint what the trained networks paint."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from rhapsode import cli
from rhapsode.bundle import Bundle, Facts, write_manifest
from rhapsode.errors import InstallationError, WeightsError
from rhapsode.face.tracker import FaceTracker
from rhapsode.models.export import export
from rhapsode.models.style_aware_generator import PictureDims, StyleAwareGenerator
from rhapsode.paint.networks import PictureNetworks
from rhapsode.paint.onnx_networks import PictureModel, fingerprint_of
from rhapsode.paint.painter import MouthPainter
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.style.references import key_motions

SHIPPED = Bundle.load()
TORCH_TWIN = Bundle.load("research").path("style_aware_generator.safetensors")
SMALL = PictureDims(widths=(8, 8), mapping_widths=(8, 8), warped=4, known=4)


@pytest.fixture(scope="module")
def portrait() -> MeasuredPortrait:
    with FaceTracker() as tracker:
        return MeasuredPortrait.from_image(data.astronaut(), tracker)


def compare(portrait: MeasuredPortrait, one: PictureNetworks, other: PictureNetworks) -> tuple[float, float]:
    """The mean difference of ISP images and of what is added, levels of 255."""
    photos = [(portrait.image, portrait.face)]
    first, second = (MouthPainter(portrait, each, key_motions(), extra_photos=photos) for each in (one, other))
    faces = [portrait.rig.pose(motion) for motion in key_motions()]
    added = [np.abs(first.difference(face) - second.difference(face)).mean() for face in faces]
    return float(np.abs(first.patterns.astype(float) - second.patterns).mean()), float(np.mean(added))


def test_onnx_runtime_paints_what_torch_paints(portrait: MeasuredPortrait) -> None:
    patterns, added = compare(portrait, PictureModel.load(SHIPPED), StyleAwareGenerator.load(TORCH_TWIN))
    assert patterns < 0.01 and added < 0.01


def test_the_shipped_models_were_written_from_the_shipped_weights() -> None:
    assert PictureModel.load(SHIPPED).weights == fingerprint_of(TORCH_TWIN)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("patterns", [True, False], ids=["with ISP images", "without"])
def test_networks_of_other_sizes_can_be_exported(portrait: MeasuredPortrait, tmp_path: Path, patterns: bool) -> None:
    generator = StyleAwareGenerator(replace(SMALL, patterns=patterns)).eval()
    assert generator.generator.last.bias is not None
    generator.generator.last.bias.data += 0.1
    generator.save(tmp_path / "weights.safetensors")
    written = export(tmp_path / "weights.safetensors", tmp_path / "style_aware_generator")
    write_manifest(tmp_path, {path.relative_to(tmp_path).as_posix(): Facts() for path in written})
    again = StyleAwareGenerator.load(tmp_path / "weights.safetensors")
    shapes, added = compare(portrait, PictureModel.load(Bundle.load(tmp_path)), again)
    assert shapes < 0.01 and added < 0.01


def test_learnt_keypoints_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    StyleAwareGenerator(replace(SMALL, keypoints=4)).save(tmp_path / "weights.safetensors")
    assert cli.main(["export", str(tmp_path / "weights.safetensors")]) == 2
    refusal = capsys.readouterr().err
    assert "learns keypoints" in refusal and len(refusal.splitlines()) == 1


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(InstallationError, match=r"device abacus: ONNX Runtime .* knows cpu"):
        PictureModel.load(SHIPPED, device="abacus")


def test_a_model_without_picture_networks_is_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path, {}, base=None)
    with pytest.raises(WeightsError, match=r"has no style_aware_generator/portrait_encoder\.onnx"):
        PictureModel.load(Bundle.load(tmp_path))


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    name = "style_aware_generator/portrait_encoder.onnx"
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_bytes(b"no network")
    write_manifest(tmp_path, {name: Facts()})
    with pytest.raises(WeightsError, match=r"portrait_encoder\.onnx: not a usable Style-Aware Generator"):
        PictureModel.load(Bundle.load(tmp_path))
