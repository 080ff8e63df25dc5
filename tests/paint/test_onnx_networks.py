"""The ONNX models paint what the trained networks paint."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data

from rhapsode.animator import Animator
from rhapsode.bundle import Bundle, Facts, sha256_of, write_manifest
from rhapsode.errors import InstallationError, WeightsError
from rhapsode.face.tracker import FaceTracker
from rhapsode.media.waveform import Waveform
from rhapsode.models.export import export
from rhapsode.models.style_aware_generator import PictureDims, StyleAwareGenerator
from rhapsode.paint.networks import PictureNetworks
from rhapsode.paint.onnx_networks import PictureModel
from rhapsode.paint.painter import MouthPainter
from rhapsode.render.mouth_window import WindowSize
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.style.references import key_motions

SHIPPED = Bundle.load()
TORCH_TWIN = Bundle.load("research").path("style_aware_generator.safetensors")
SMALL = PictureDims(widths=(8, 8), mapping_widths=(8, 8), warped=4, known=4)
#: The `paper` configuration with few pixels and channels.
WHOLE_HEAD = PictureDims(
    window=WindowSize(side=128, width=2.6, below_nose=-0.1),
    widths=(8, 8, 8, 8, 8, 8),
    mapping_widths=(8, 8, 8, 8, 8, 8),
    warped=4,
    keypoints=20,
    known=4,
)


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
    assert PictureModel.load(SHIPPED).weights == sha256_of(TORCH_TWIN)


def write_model(dims: PictureDims, folder: Path) -> StyleAwareGenerator:
    """A model folder with the ONNX networks of a generator drawn at random; returns the generator in torch."""
    torch.manual_seed(0)
    generator = StyleAwareGenerator(dims)
    torch.nn.init.normal_(generator.generator.last.weight, std=0.02)
    generator.save(folder / "style_aware_generator.safetensors")
    written = export(folder / "style_aware_generator.safetensors", folder / "style_aware_generator")
    write_manifest(folder, {path.relative_to(folder).as_posix(): Facts() for path in written})
    return StyleAwareGenerator.load(folder / "style_aware_generator.safetensors")


@pytest.mark.parametrize(
    "dims",
    [SMALL, replace(SMALL, patterns=False), WHOLE_HEAD],
    ids=["with ISP images", "without", "whole head and learnt keypoints"],
)
def test_networks_of_other_sizes_can_be_exported(portrait: MeasuredPortrait, tmp_path: Path, dims: PictureDims) -> None:
    generator = write_model(dims, tmp_path)
    exported = PictureModel.load(Bundle.load(tmp_path))
    patterns, added = compare(portrait, exported, generator)
    assert patterns < 0.05 and added < 0.05
    open_mouth = portrait.rig.pose(key_motions()[2])
    assert np.abs(MouthPainter(portrait, exported, key_motions()).difference(open_mouth)).max() > 1


@pytest.mark.slow
def test_a_model_that_paints_whole_heads_animates_a_portrait(tmp_path: Path, sentence: Waveform) -> None:
    write_model(WHOLE_HEAD, tmp_path)
    animator = Animator.from_pretrained(tmp_path)
    assert animator.picture.window.side == WHOLE_HEAD.window.side
    sound = Waveform(np.resize(sentence.samples, round(2.56 * sentence.rate)), sentence.rate)
    picture = data.astronaut()[:256, 96:352]
    frames = list(animator.animate(picture, sound))
    assert len(frames) == 64
    assert all(frame.shape == picture.shape and frame.dtype == np.uint8 for frame in frames)
    default = list(Animator.from_pretrained().animate(picture, sound))
    assert any((one != other).any() for one, other in zip(frames, default, strict=True))


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(InstallationError, match=r"device abacus: ONNX Runtime .* has cpu"):
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
