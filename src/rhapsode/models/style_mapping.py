"""Style Mapping: from a portrait and a style reference to an Intermediate Style Pattern (arXiv 2303.09799).

    C_k  = c_k R  + tau  + eps_k          the portrait
    C'_k = c_k R' + tau' + eps'_k         the same person in the style of the reference

Both use the portrait's canonical keypoints c_k: identity stays, expression changes. Here they are the 68 landmarks, R
and tau those of the head, and eps the expression offsets, all measured by the tracked mesh; R and tau stay the
portrait's, since the window is aligned with the head. The portrait's features are warped from C to C', and the
Intermediate Generator turns them into an Intermediate Style Pattern (ISP). In the `paper` configuration keypoints,
pose and expression are learnt too (`models.keypoints`).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rhapsode.models.keypoints import KeypointExtractor, PoseExpression, posed
from rhapsode.models.keypoints import sources as learnt_sources
from rhapsode.models.unet import UNet, he_init


class StyleMapping(nn.Module):
    """Warp features and run the Intermediate Generator; once for a portrait and a style, so it may be large.

    Args:
        drawn: channels of a drawing.
        widths: channels at each scale of the Intermediate Generator, the finest first.
        features: channels of the portrait that are warped.
        keypoints: number of learnt keypoints, with pose and expression; 0 to use the tracked mesh.
    """

    def __init__(self, drawn: int, widths: tuple[int, ...], features: int, keypoints: int = 0) -> None:
        super().__init__()
        self.extractor = KeypointExtractor(keypoints, features) if keypoints else None
        self.pose_expression = PoseExpression(keypoints, features) if keypoints else None
        self.appearance = nn.Sequential(
            nn.Conv2d(3, features, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(features, features, 3, padding=1),
        )
        he_init(self.appearance)
        self.intermediate_generator = UNet(drawn + 3 + features, 3, widths)

    def forward(self, rest: Tensor, drawn: Tensor, sources: Tensor) -> Tensor:
        """Make the ISP images.

        Args:
            rest: (B, 3, S, S) the portrait, [0, 1].
            drawn: (B, K, C, S, S) the explicit renderer's drawing of each reference (`mouth_window.Drawn.stacked`).
            sources: (B, K, S, S, 2) where each pixel comes from, pixels; not used with learnt keypoints.

        Returns:
            (B, K, 3, S, S) in the range of `rest`.
        """
        batch, count, _, side, _ = drawn.shape
        if self.extractor is not None and self.pose_expression is not None:
            canonical = self.extractor(rest)
            before = posed(canonical, *self.pose_expression(rest))
            after = posed(_repeat(canonical, count), *self.pose_expression(drawn[:, :, :3].flatten(0, 1)))
            sources = learnt_sources(_repeat(before, count), after, side).view(batch, count, side, side, 2)
        grid = sources * (2 / (side - 1)) - 1
        warped = functional.grid_sample(
            _repeat(self.appearance(rest), count),
            grid.flatten(0, 1),
            padding_mode="border",
            align_corners=True,
        )
        flat = drawn.flatten(0, 1)
        made = flat[:, :3] + self.intermediate_generator(torch.cat([flat, _repeat(rest, count), warped], 1))
        return made.unflatten(0, (batch, count))


def _repeat(pictures: Tensor, count: int) -> Tensor:
    """Repeat each row: (B, ...) -> (B * count, ...)."""
    return pictures.repeat_interleave(count, 0)
