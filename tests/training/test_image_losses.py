import numpy as np
import pytest
import skimage.data
import torch

from rhapsode.face.tracker import FaceTracker
from rhapsode.render.mouth_window import MouthWindow, WindowSize
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.training.image_losses import (
    PatchGAN,
    adversarial_losses,
    gradient_loss,
    photometric,
    ssim_loss,
    temporal_loss,
)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_photometric_loss_weighs_mouth_eyes_and_skin_five_three_one() -> None:
    pattern = torch.zeros(1, 3, 8, 8)
    for region, weight in enumerate((0, 1, 5, 3)):
        regions = torch.full((1, 8, 8), region)
        assert photometric(pattern + 0.1, pattern, regions).item() == pytest.approx(0.1 * weight)


def test_pictures_that_are_the_same_cost_nothing() -> None:
    one = noise(4, 3, 32, 32)
    assert gradient_loss(one, one) == 0 and ssim_loss(one, one).item() == pytest.approx(0, abs=1e-6)
    assert temporal_loss(one.view(2, 2, 3, 32, 32), one.view(2, 2, 3, 32, 32)) == 0


def test_the_temporal_loss_sees_flicker_but_no_lasting_difference() -> None:
    real = noise(1, 2, 3, 8, 8)
    assert temporal_loss(real + 0.2, real).item() == pytest.approx(0, abs=1e-6)
    flickering = real + torch.tensor([0.2, -0.2]).view(1, 2, 1, 1, 1)
    assert temporal_loss(flickering, real).item() == pytest.approx(0.4)


def test_blur_costs_slope_and_structure() -> None:
    sharp = noise(2, 3, 32, 32)
    blurred = torch.nn.functional.avg_pool2d(sharp, 3, 1, 1)
    assert gradient_loss(blurred, sharp) > 0.1 and ssim_loss(blurred, sharp) > 0.3


def test_discriminator_and_generator_learn_from_their_own_losses_alone() -> None:
    torch.manual_seed(0)
    discriminator = PatchGAN(2, 4)
    painted = noise(2, 3, 16, 16).requires_grad_()
    hinge, fooled, matching = adversarial_losses(
        discriminator, painted, noise(2, 3, 16, 16, seed=2), noise(2, 2, 16, 16)
    )
    of_discriminator = torch.autograd.grad(hinge, list(discriminator.parameters()), retain_graph=True)
    assert max(float(one.abs().max()) for one in of_discriminator) > 0
    assert not any(torch.autograd.grad(hinge, [painted], retain_graph=True, allow_unused=True))
    for loss in (fooled, matching):
        (gradient,) = torch.autograd.grad(loss, painted, retain_graph=True)
        assert gradient.abs().max() > 0
        with pytest.raises(RuntimeError, match="not have been used"):
            torch.autograd.grad(loss, list(discriminator.parameters()), retain_graph=True)


def test_a_generator_that_follows_its_loss_deceives_the_discriminator_more() -> None:
    torch.manual_seed(0)
    discriminator = PatchGAN(2, 4)
    painted, real, given = noise(2, 3, 16, 16).requires_grad_(), noise(2, 3, 16, 16, seed=2), noise(2, 2, 16, 16)
    _, fooled, _ = adversarial_losses(discriminator, painted, real, given)
    (gradient,) = torch.autograd.grad(fooled, painted)
    _, then, _ = adversarial_losses(discriminator, painted.detach() - 0.1 * gradient / gradient.norm(), real, given)
    assert then < fooled


def test_the_photometric_loss_weighs_the_eyes_that_a_window_of_the_whole_head_shows() -> None:
    with FaceTracker() as tracker:
        portrait = MeasuredPortrait.from_image(skimage.data.astronaut(), tracker)
    still, size = np.zeros((68, 3)), WindowSize(side=128, width=2.6, below_nose=-0.1)
    window = MouthWindow(portrait, size)
    regions = torch.from_numpy(window.regions(still))[None]
    pattern = torch.zeros(1, 3, size.side, size.side)

    def loss_at(points: np.ndarray) -> float:
        painted = pattern.clone()
        x, y = window.places(points).mean(0).astype(int)
        painted[..., y, x] = 1.0
        return photometric(painted, pattern, regions).item()

    landmarks = portrait.face.landmarks[:, :2]
    skin = loss_at(landmarks[27:30])
    assert loss_at(landmarks[36:42]) == pytest.approx(3 * skin) and loss_at(landmarks[48:60]) == pytest.approx(5 * skin)
