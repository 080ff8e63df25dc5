"""Style Mapping and the Style-Aware Generator, untrained: what their build alone promises."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from rhapsode.errors import WeightsError
from rhapsode.models.style_aware_generator import PictureDims, StyleAwareGenerator, match
from rhapsode.paint.networks import PortraitFeatures
from rhapsode.render.mouth_window import DRAWN_CHANNELS, INSIDE

SMALL = PictureDims(widths=(8, 8, 8), mapping_widths=(8, 8), warped=4, known=4)


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def known(generator: StyleAwareGenerator, batch: int = 2, side: int = 32) -> PortraitFeatures[torch.Tensor]:
    grid = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="xy"), -1).float()
    return generator.encode(
        pictures(batch, 3, side, side),
        pictures(batch, 4, DRAWN_CHANNELS, side, side, seed=1),
        grid.expand(batch, 4, side, side, 2),
        pictures(batch, 4, 4, seed=2),
    )


@pytest.mark.parametrize("patterns", [True, False])
def test_before_training_the_painting_is_the_drawing(patterns: bool) -> None:
    generator = StyleAwareGenerator(PictureDims(**vars(SMALL) | {"patterns": patterns}))
    asked = pictures(2, 3, DRAWN_CHANNELS, 32, 32, seed=3)
    painted = generator(known(generator), asked, pictures(2, 3, 4))
    assert torch.equal(painted, asked[:, :, :3])


def test_four_isp_images_are_made_and_what_they_show_reaches_the_painting() -> None:
    torch.manual_seed(0)
    generator = StyleAwareGenerator(SMALL)
    torch.nn.init.normal_(generator.generator.last.weight, std=0.1)
    one, asked, shapes = known(generator), pictures(2, 3, DRAWN_CHANNELS, 32, 32), pictures(2, 3, 4)
    assert one.patterns.shape == (2, 4, 3, 32, 32)
    other = replace(one, patterns=1 - one.patterns)
    assert not torch.allclose(generator(one, asked, shapes), generator(other, asked, shapes))


def test_other_pictures_of_the_person_take_the_place_of_isp_images_and_lend_their_teeth() -> None:
    torch.manual_seed(0)
    generator = StyleAwareGenerator(SMALL)
    torch.nn.init.normal_(generator.mapping.intermediate_generator.last.weight, std=0.1)
    rest, references, places = pictures(1, 3, 32, 32), pictures(1, 4, 9, 32, 32, seed=1), pictures(1, 4, 32, 32, 2)
    shapes, own, has_photo = (
        pictures(1, 4, 4, seed=2),
        pictures(1, 4, 4, 32, 32, seed=5),
        torch.tensor([[0.0, 0, 1, 0]]),
    )
    own[:, :, 3, :, :16], own[:, :, 3, :, 16:] = 1, 0
    without = generator.encode(rest, references, places, shapes)
    having = generator.encode(rest, references, places, shapes, own, has_photo)
    assert torch.allclose((having.patterns * having.tone[:, None])[0, 2], own[0, 2, :3], atol=1e-6)
    assert torch.equal(having.patterns[:, [0, 1, 3]], without.patterns[:, [0, 1, 3]])
    asked, wanted = pictures(1, 2, 9, 32, 32, seed=3), shapes[:, 2:3].expand(1, 2, 4)
    asked[:, :, INSIDE] = 0
    asked[:, :, INSIDE, 8:24] = 1
    # Untrained, the painting is the drawing; between the lips, where the picture has them apart too, it is the picture.
    painted = generator(having, asked, wanted)
    assert torch.allclose(painted[0, 0, :, 8:24, :16], own[0, 2, :3, 8:24, :16], atol=0.05)
    assert torch.allclose(painted[..., 16:], asked[:, :, :3, :, 16:]) and torch.allclose(
        painted[..., :8, :], asked[:, :, :3, :8]
    )
    # Asked for the shape of another one, it is not.
    other = generator(having, asked, shapes[:, :1].expand(1, 2, 4))
    assert torch.allclose(other, asked[:, :, :3], atol=0.05)


def test_a_darker_or_yellower_picture_is_painted_darker_and_yellower() -> None:
    torch.manual_seed(0)
    generator = StyleAwareGenerator(SMALL)
    torch.nn.init.normal_(generator.generator.last.weight, std=0.1)
    color, asked, shapes = torch.tensor([0.6, 0.5, 0.3]).view(3, 1, 1), pictures(1, 2, 9, 32, 32), pictures(1, 2, 4)
    rest, references, places = pictures(1, 3, 32, 32), pictures(1, 4, 9, 32, 32, seed=1), pictures(1, 4, 32, 32, 2)

    def toned(drawn: Tensor) -> Tensor:
        return torch.cat([drawn[:, :, :3] * color, drawn[:, :, 3:]], 2)

    plain = generator(generator.encode(rest, references, places, pictures(1, 4, 4)), asked, shapes)
    known_so = generator.encode(rest * color, toned(references), places, pictures(1, 4, 4))
    assert torch.allclose(generator(known_so, toned(asked), shapes), plain * color, atol=1e-5)


def test_each_portrait_is_painted_by_what_is_known_of_it() -> None:
    torch.manual_seed(0)
    generator = StyleAwareGenerator(SMALL)
    torch.nn.init.normal_(generator.generator.last.weight, std=0.1)
    both, asked, shapes = known(generator), pictures(2, 3, DRAWN_CHANNELS, 32, 32), pictures(2, 3, 4)
    features = [one[1:] for one in both.features]
    alone = PortraitFeatures(
        both.rest[1:], both.patterns[1:], both.photo_mask[1:], both.tone[1:], both.shapes[1:], features
    )
    assert torch.allclose(generator(both, asked, shapes)[1:], generator(alone, asked[1:], shapes[1:]), atol=1e-5)


def test_the_best_match_is_the_nearest_shape() -> None:
    references = torch.tensor([[[0.0, 0.5, 0.4, 0], [0.0, 0.4, 0.4, 0], [0.2, 0.5, 0.4, 0], [0.2, 0.3, 0.3, 0]]])
    shares = match(torch.tensor([[[0.21, 0.49, 0.4, 0.0], [0.1, 0.5, 0.4, 0.0]]]), references)
    assert shares[0, 0].argmax() == 2 and shares[0, 0, 2] > 0.9
    assert torch.allclose(shares.sum(-1), torch.ones(1, 2)) and shares[0, 1, 0] == pytest.approx(shares[0, 1, 2])


def test_weights_come_back_from_their_file_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    generator, path = StyleAwareGenerator(SMALL), tmp_path / "weights.safetensors"
    generator.save(path)
    again = StyleAwareGenerator.load(path)
    assert again.dims == SMALL
    for name, value in generator.state_dict().items():
        assert torch.allclose(again.state_dict()[name], value, atol=1e-3)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="not a usable Style-Aware Generator"):
        StyleAwareGenerator.load(path)
