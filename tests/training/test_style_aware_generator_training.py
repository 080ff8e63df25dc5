"""The training of the picture, a few steps on pairs of a clip that the project itself made."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rhapsode.data.pairs import Pairs
from rhapsode.data.prepare_pairs import make_pairs
from rhapsode.data.store import ClipStore
from rhapsode.errors import DataError, WeightsError
from rhapsode.evaluation.clips import RealClip
from rhapsode.models.style_aware_generator import PictureDims, StyleAwareGenerator
from rhapsode.render.mouth_window import ALONG, INSIDE, WindowSize
from rhapsode.training import paper
from rhapsode.training.loop import Loop
from rhapsode.training.picture_augment import augment, change_teeth
from rhapsode.training.picture_batches import PairSampler, as_sample, others_of, photos_of
from rhapsode.training.style_aware_generator import (
    LossWeights,
    StyleAwareGeneratorRecipe,
    start_from,
    train,
)

DIMS = PictureDims(widths=(8, 8, 8), mapping_widths=(8, 8), warped=4, known=4)


@pytest.fixture(scope="module")
def pairs(clips: list[RealClip], clip_store: Path) -> list[Pairs]:
    opened = ClipStore.open(clip_store)
    return make_pairs(ClipStore(opened.folder, opened.entries[:1]), portraits=2, targets=6, workers=1)


def recipe(data: Path, out: Path, **changes: object) -> StyleAwareGeneratorRecipe:
    loop = Loop(steps=6, check_every=3, learning_rate=3e-3)
    made = StyleAwareGeneratorRecipe(data, out, pairs=out.parent / "pairs", dims=DIMS, frames=4, loop=loop)
    return replace(made, **changes)  # type: ignore[arg-type]


def course(out: Path) -> list[dict[str, str]]:
    with (out / "training" / "style_aware_generator" / "style_aware_generator.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_training_learns_and_goes_on_where_it_stopped(
    clips: list[RealClip], clip_store: Path, tmp_path: Path
) -> None:
    weights = train(recipe(clip_store, tmp_path / "whole", mapping_steps=3))
    with (tmp_path / "whole" / "training" / "style_aware_generator" / "style_mapping.csv").open(newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["3"]
    rows = course(tmp_path / "whole")
    assert float(rows[-1]["photometric"]) > 0 and float(rows[-1]["mapping"]) > 0
    assert StyleAwareGenerator.load(weights).dims == DIMS
    again = train(recipe(clip_store, tmp_path / "whole", mapping_steps=3))
    assert again == weights and [row["step"] for row in course(tmp_path / "whole")] == ["3", "6"]


@pytest.mark.slow
def test_what_is_left_out_is_not_computed(clips: list[RealClip], clip_store: Path, tmp_path: Path) -> None:
    plain = LossWeights(photometric=0, adversarial=0, matching=0)
    dims = replace(DIMS, patterns=False)
    train(recipe(clip_store, tmp_path / "plain", weights=plain, dims=dims))
    assert (
        not {"photometric", "mapping", "discriminator", "adversarial", "matching"}
        & course(tmp_path / "plain")[0].keys()
    )


@pytest.mark.slow
def test_a_discriminator_joins_in_where_it_has_weight(clips: list[RealClip], clip_store: Path, tmp_path: Path) -> None:
    train(recipe(clip_store, tmp_path / "adversarial", weights=LossWeights(adversarial=0.05, matching=0.2)))
    row = course(tmp_path / "adversarial")[-1]
    assert 0 < float(row["discriminator"]) < 4 and float(row["matching"]) > 0 and "adversarial" in row


def test_unusable_weights_to_start_from_are_refused_before_there_is_a_run(
    clips: list[RealClip], clip_store: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="not a usable Style-Aware Generator"):
        train(recipe(clip_store, tmp_path / "run", start=(tmp_path / "bad.safetensors",)))
    assert not (tmp_path / "run").exists()


def test_the_same_seed_draws_the_same_batch_and_neighbours_stay_together(pairs: list[Pairs]) -> None:
    sampler = PairSampler(pairs, portraits=2, frames=4)
    first, again, other = (sampler.batch(torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.rest, other.rest)
    assert first.drawn.shape == (2, 4, 9, 64, 64) and first.shapes.shape == (2, 8, 4)


def test_colors_of_all_pictures_change_alike_and_a_mirror_turns_coordinates_too(pairs: list[Pairs]) -> None:
    # Frames in which the mouth is open: a shut one looks the same in a mirror.
    openest = pairs[0].drawn[..., INSIDE].reshape(len(pairs[0].drawn), -1).sum(1, dtype=int).argsort()[-2:]
    sample = as_sample(pairs[0], openest)
    varied = [augment(sample, torch.Generator().manual_seed(seed)) for seed in range(12)]
    mirrored = [one for one in varied if not torch.equal(one.drawn[:, INSIDE], sample.drawn[:, INSIDE])]
    assert 0 < len(mirrored) < len(varied)
    for one in mirrored:
        assert torch.equal(one.has_photo, sample.has_photo) and torch.equal(one.shapes, sample.shapes)
        assert torch.equal(one.regions, sample.regions.flip(-1))
        assert torch.allclose(one.sources[..., 0], 63 - sample.sources.flip(-2)[..., 0])
        # The place along the mouth is counted from the other side.
        assert torch.allclose(one.drawn[:, ALONG], 1 - sample.drawn[:, ALONG].flip(-1))
        light = one.real.mean() / sample.real.mean()
        assert one.rest.mean() / sample.rest.mean() == pytest.approx(float(light), rel=0.15)
    assert len({round(float(one.rest.mean()), 3) for one in varied}) > 4


def test_a_portrait_is_shown_its_person_in_other_clips_or_else_in_other_portraits(pairs: list[Pairs]) -> None:
    assert len(pairs) == 2 and others_of(pairs[0], pairs) == [pairs[1]]
    elsewhere, stranger = replace(pairs[1], clip="elsewhere"), replace(pairs[1], speaker="somebody else")
    assert others_of(pairs[0], [*pairs, elsewhere, stranger]) == [elsewhere]
    photos = photos_of(pairs[0], pairs[1], np.array([True, False, True, False]))
    assert photos.pictures.shape == (4, 64, 64, 4)
    sample = as_sample(pairs[0], np.arange(2), photos)
    assert sample.has_photo.tolist() == [1, 0, 1, 0]
    # A photo comes with its own mouth's shape.
    assert np.allclose(sample.shapes[[0, 2]], pairs[1].shapes[[0, 2]])
    assert np.allclose(sample.shapes[[1, 3]], pairs[0].shapes[[1, 3]])


def test_other_teeth_are_the_same_in_frame_and_picture_and_nothing_else_changes() -> None:
    inside = torch.zeros(2, 64, 64)
    inside[0, 24:40, 16:48] = inside[1, 28:36, 16:48] = 1
    # Stripes stand for teeth.
    mouth = 0.5 + 0.3 * torch.sin(torch.arange(64) / 2).expand(3, 64, 64)
    real, own = mouth.expand(2, 3, 64, 64), torch.cat([mouth, inside[:1]])[None].expand(4, 4, 64, 64)
    changed, shown = change_teeth(real, inside, own, torch.Generator().manual_seed(0))
    assert torch.equal(changed[:, :, inside[0] == 0], real[:, :, inside[0] == 0]) and torch.equal(
        shown[:, 3], own[:, 3]
    )
    assert (changed[0, :, 30:34, 20:44] - real[0, :, 30:34, 20:44]).abs().mean() > 0.02
    assert torch.allclose(changed[0], shown[0, :3], atol=1e-6)
    assert torch.allclose(changed[1, :, 30:34, 20:44], shown[0, :3, 30:34, 20:44], atol=0.05)


def test_a_training_that_starts_from_weights_without_isp_paints_as_they_do() -> None:
    torch.manual_seed(0)
    known_by = {True: StyleAwareGenerator(DIMS), False: StyleAwareGenerator(replace(DIMS, patterns=False))}
    torch.nn.init.normal_(known_by[False].generator.last.weight, std=0.1)
    start_from(known_by[True], known_by[False])
    rest, references = torch.rand(1, 3, 32, 32), torch.rand(1, 4, 9, 32, 32)
    asked, sources = torch.rand(1, 2, 9, 32, 32), torch.rand(1, 4, 32, 32, 2)
    with torch.no_grad():
        painted = [
            one(one.encode(rest, references, sources, torch.rand(1, 4, 4)), asked, torch.rand(1, 2, 4))
            for one in known_by.values()
        ]
    assert torch.allclose(painted[0], painted[1], atol=1e-5) and not torch.allclose(painted[0], asked[:, :, :3])


def test_weights_of_another_size_are_refused() -> None:
    with pytest.raises(DataError, match="weights to start from"):
        start_from(StyleAwareGenerator(DIMS), StyleAwareGenerator(replace(DIMS, widths=(16, 16, 16))))


@pytest.mark.slow
def test_the_full_size_recipe_paints_whole_heads(clips: list[RealClip], clip_store: Path, tmp_path: Path) -> None:
    full = StyleAwareGeneratorRecipe(
        clip_store, tmp_path / "run", pairs=tmp_path / "pairs", **paper.STYLE_AWARE_GENERATOR
    )
    assert (
        full.dims.window.side == 512
        and full.dims.keypoints
        and full.loop.accelerator == "cuda"
        and full.portraits * full.frames == 8
    )
    # A quarter of the size each way and an eighth of the channels, so that a CPU can run two steps of it.
    narrow = tuple(width // 8 for width in full.dims.widths)
    here = replace(
        full,
        dims=replace(
            full.dims,
            window=replace(full.dims.window, side=128),
            widths=narrow,
            mapping_widths=narrow,
            warped=8,
            known=8,
        ),
        frames=2,
        loop=replace(full.loop, steps=2, check_every=1, accelerator="cpu", devices=1, readers=1, precision="32-true"),
    )
    weights = train(here)
    assert StyleAwareGenerator.load(weights).dims.window == WindowSize(128, 2.6, -0.1)
