"""The Style-Aware Generator: portrait, facial map and Intermediate Style Patterns -> the mouth of a frame.

What depends on portrait and style alone is computed once: the ISP images (`models.style_mapping`) and features of them.
For each frame a small network then corrects what the explicit renderer has drawn in the mouth's window. All networks
see colors in units of the portrait's own tone, so that they need not learn light, skin color and varnish.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

from rhapsode.files import atomic_write, reading
from rhapsode.models.style_mapping import StyleMapping
from rhapsode.models.unet import UNet, he_init
from rhapsode.paint.networks import PortraitFeatures
from rhapsode.render.mouth_window import DRAWN_CHANNELS, INSIDE, WindowSize

#: Scale of the distance between mouth shapes (`mouth_window.mouth_shape`, canonical units) in matching.
_ALIKE = 0.06
#: From about this share of a match on, the inside of a mouth is taken from a photo.
_SURE = 0.02
#: Least tone of a portrait.
_DARKEST = 0.06


@dataclass(frozen=True)
class PictureDims:
    """Sizes of Style Mapping and Style-Aware Generator."""

    window: WindowSize = field(default_factory=WindowSize)
    """Square of the portrait that is painted."""
    widths: tuple[int, ...] = (32, 64, 96)
    """Channels of the generator at each scale, the finest first."""
    mapping_widths: tuple[int, ...] = (48, 96, 128)
    """Channels of the Intermediate Generator at each scale, the finest first."""
    warped: int = 16
    """Channels of the portrait's features that Style Mapping warps."""
    keypoints: int = 0
    """Keypoints that Style Mapping learns to find; 0 to use those of the tracked mesh."""
    known: int = 16
    """Channels of the portrait's features that condition the generator at each scale."""
    patterns: bool = True
    """Condition the generator on ISP images; without them it sees the portrait alone."""


class StyleAwareGenerator(nn.Module):
    """Style Mapping, and the generator that is conditioned on its ISP images."""

    def __init__(self, dims: PictureDims) -> None:
        super().__init__()
        self.dims = dims
        seen = 4 * (3 + 4 * (3 + 1) * dims.patterns)
        if dims.patterns:
            self.mapping = StyleMapping(DRAWN_CHANNELS, dims.mapping_widths, dims.warped, dims.keypoints)
        scales = len(dims.widths) - 1
        self.encoder = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(seen if scale == 0 else 2 * dims.known, 2 * dims.known, 3, padding=1),
                nn.LeakyReLU(0.1),
                nn.Conv2d(2 * dims.known, 2 * dims.known, 3, stride=2, padding=1),
                nn.LeakyReLU(0.1),
            )
            for scale in range(scales)
        )
        self.hand = nn.ModuleList(nn.Conv2d(2 * dims.known, dims.known, 1) for _ in range(scales))
        he_init(self.encoder)
        he_init(self.hand)
        self.generator = UNet(DRAWN_CHANNELS + 3 + (5 * 3 + 1) * dims.patterns, 3, dims.widths, [dims.known] * scales)
        # Twice as fast on a CPU.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def encode(
        self,
        rest: Tensor,
        references: Tensor,
        sources: Tensor,
        shapes: Tensor,
        own: Tensor | None = None,
        has_photo: Tensor | None = None,
    ) -> PortraitFeatures[Tensor]:
        """Compute the features of portraits in a style.

        Args:
            rest: (B, 3, S, S) the portraits, [0, 1].
            references: (B, 4, C, S, S) the explicit renderer's drawings of the references, [0, 1].
            sources: (B, 4, S, S, 2) where each pixel of a drawing comes from, pixels.
            shapes: (B, 4, 4) mouth shapes of the references, or of the photos that replace them.
            own: (B, 4, 4, S, S) extra photos of the person, aligned with the portrait: RGB, and the share of each pixel
                that lies between the lips, [0, 1]. They replace the ISP images. None for no photos.
            has_photo: (B, 4) 1 where there is a photo, else 0.
        """
        tone = _tone(rest)
        if own is None or has_photo is None:
            own, has_photo = torch.zeros_like(references[:, :, :4]), torch.zeros_like(shapes[..., 0])
        rest, references = rest / tone, _toned(references, tone)
        if self.dims.patterns:
            made = self.mapping(rest, references, sources)
            there = has_photo[..., None, None, None]
            patterns = made + there * (own[:, :, :3] / tone[:, None] - made)
            planes = there[:, :, 0].expand(-1, -1, *rest.shape[-2:])
            x = torch.cat([rest, patterns.flatten(1, 2), planes], 1)
        else:
            patterns, x = references[:, :, :3], rest
        x = functional.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)
        features = []
        for encode, hand in zip(self.encoder, self.hand, strict=True):
            x = encode(x)
            features.append(hand(x))
        return PortraitFeatures(rest, patterns, has_photo[..., None, None] * own[:, :, 3], tone, shapes, features)

    def forward(self, known: PortraitFeatures[Tensor], drawn: Tensor, shapes: Tensor) -> Tensor:
        """Paint mouths.

        Args:
            known: features of B portraits.
            drawn: (B, T, C, S, S) the explicit renderer's drawings of T frames of each, [0, 1].
            shapes: (B, T, 4) mouth shapes of the frames.

        Returns:
            (B, T, 3, S, S) RGB, about [0, 1].
        """
        batch, frames = drawn.shape[:2]
        painted, *moving = self.moving(known, drawn, shapes)
        rest, *patterns = (one[:, None].expand(-1, frames, -1, -1, -1) for one in self.still(known))
        drawing, *more = moving
        # The order in which the shipped weights have learnt them.
        seen = torch.cat([painted, drawing, rest, *more[:1], *patterns, *more[1:]], 2)
        features = [feature.repeat_interleave(frames, 0) for feature in known.features]
        added = self.generator(seen.flatten(0, 1), features).unflatten(0, (batch, frames))
        return self.finished(known, drawn, painted, added)

    def still(self, known: PortraitFeatures[Tensor]) -> list[Tensor]:
        """Give what the network sees of a portrait in every frame, (B, C, S, S) each."""
        return [known.rest, *([known.patterns.flatten(1, 2)] if self.dims.patterns else [])]

    def moving(self, known: PortraitFeatures[Tensor], drawn: Tensor, shapes: Tensor) -> list[Tensor]:
        """Give what it sees of frames alone, (B, T, C, S, S) each; arguments as in `forward`."""
        toned, share = _toned(drawn, known.tone), match(shapes, known.shapes)
        painted, more = toned[:, :, :3], []
        if self.dims.patterns:
            # The best match shows the lips; the widest open ISP images show what lies behind them.
            best = torch.einsum("btk,bkcyx->btcyx", share, known.patterns)
            # Teeth are fixed to the skull, so those in photos of the person are at the right place already.
            cover = share[..., None, None] * known.photo_mask[:, None]
            whole = cover.sum(2, True)
            # A sum of products: as an einsum, ONNX Runtime takes a fifth of the whole network's time for it.
            own = (cover[:, :, :, None] * known.patterns[:, None]).sum(2) / (whole + 1e-4)
            there = toned[:, :, INSIDE : INSIDE + 1] * whole / (whole + _SURE)
            painted = painted + there * (own - painted)
            more = [best, there]
        return [painted, toned[:, :, 3:], *more]

    def finished(self, known: PortraitFeatures[Tensor], drawn: Tensor, painted: Tensor, added: Tensor) -> Tensor:
        """Add what the network has made of `moving`'s first to it, (B, T, 3, S, S) each; otherwise as `forward`."""
        toned = drawn[:, :, :3] / known.tone[:, None]
        return drawn[:, :, :3] + (painted - toned + added) * known.tone[:, None]

    @property
    def seen(self) -> tuple[list[int], list[int]]:
        """Number the channels of what `still` gives, and of what `moving` gives, as the network sees them."""
        rest, patterns = range(DRAWN_CHANNELS, DRAWN_CHANNELS + 3), range(DRAWN_CHANNELS + 6, DRAWN_CHANNELS + 18)
        still = [*rest, *(patterns if self.dims.patterns else [])]
        return still, [n for n in range(self.generator.first.in_channels // 4) if n not in still]

    @property
    def window(self) -> WindowSize:
        """Square of the portrait that is painted."""
        return self.dims.window

    @torch.inference_mode()
    def encode_portrait(
        self,
        rest: np.ndarray,
        references: np.ndarray,
        sources: np.ndarray,
        shapes: np.ndarray,
        photos: np.ndarray,
        has_photo: np.ndarray,
    ) -> PortraitFeatures[np.ndarray]:
        """Run `encode` for one portrait in NumPy arrays; arguments as in `PictureNetworks.encode_portrait`."""
        known = self.encode(
            *(torch.from_numpy(one)[None] for one in (rest, references, sources, shapes, photos, has_photo))
        )
        made = known.rest, known.patterns, known.photo_mask, known.tone, *known.features
        rest, patterns, photo_mask, tone, *features = (one[0].numpy() for one in made)
        return PortraitFeatures(rest, patterns, photo_mask, tone, shapes, tuple(features))

    @torch.inference_mode()
    def paint(self, portrait: PortraitFeatures[np.ndarray], drawn: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """Run `forward` for one frame in NumPy arrays; arguments as in `PictureNetworks.paint`."""
        made = portrait.rest, portrait.patterns, portrait.photo_mask, portrait.tone, portrait.shapes, *portrait.features
        rest, patterns, photo_mask, tone, shapes, *features = (torch.from_numpy(one)[None] for one in made)
        known = PortraitFeatures(rest, patterns, photo_mask, tone, shapes, features)
        painted = self(known, torch.from_numpy(drawn)[None, None], torch.from_numpy(shape)[None, None])
        result: np.ndarray = painted[0, 0].numpy()
        return result

    def save(self, path: Path) -> None:
        """Write weights and sizes to one safetensors file, in half precision: half the size, the same picture."""
        tensors = {name: value.half().contiguous() for name, value in self.state_dict().items()}
        atomic_write(path, save(tensors, metadata={"dims": json.dumps(asdict(self.dims))}))

    @classmethod
    def load(cls, path: Path) -> "StyleAwareGenerator":
        """Read what `save` wrote, in evaluation mode.

        Raises:
            WeightsError: the file is missing, damaged, or of another model.
        """
        with reading(path, "Style-Aware Generator", "train one"), safe_open(path, "pt") as file:
            sizes = json.loads(file.metadata()["dims"])
            window = WindowSize(**sizes.pop("window"))
            sizes = {name: tuple(size) if isinstance(size, list) else size for name, size in sizes.items()}
            generator = cls(PictureDims(window, **sizes))
            generator.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        return generator.eval()


def make_patterns(mapping: StyleMapping, rest: Tensor, references: Tensor, sources: Tensor) -> Tensor:
    """Make ISP images of portraits, (B, 4, 3, S, S), about [0, 1]; arguments as in `StyleAwareGenerator.encode`."""
    tone = _tone(rest)
    made: Tensor = mapping(rest / tone, _toned(references, tone), sources)
    return made * tone[:, None]


def _tone(rest: Tensor) -> Tensor:
    """Average the color of the window's middle, around the mouth; its edges show background as often as skin."""
    quarter = rest.shape[-1] // 4
    return rest[..., quarter:-quarter, quarter:-quarter].mean((-1, -2), keepdim=True).clamp_min(_DARKEST)


def _toned(drawn: Tensor, tone: Tensor) -> Tensor:
    """Divide the RGB channels of drawings (B, T, C, S, S) by a portrait's tone (B, 3, 1, 1)."""
    return torch.cat([drawn[:, :, :3] / tone[:, None], drawn[:, :, 3:]], 2)


def match(shapes: Tensor, references: Tensor) -> Tensor:
    """Weight references by the likeness of mouth shapes: (B, T, 4), (B, K, 4) -> (B, T, K), sum 1."""
    distance = torch.cdist(shapes, references) / _ALIKE
    return functional.softmax(-(distance**2), -1)
