"""The Style-Aware Generator: portrait, facial map and Intermediate Style Patterns -> the mouth of a frame.

What can be done once for a portrait and a style is done once: the ISP images (`image.mapping`) and what is learnt from
them. For each frame a small network then corrects what the explicit renderer has drawn in the mouth's window. All of
them see colours in units of the portrait's own tone, so that light, skin and the yellow of old varnish need not be
learnt.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from rhapsode.files import reading
from rhapsode.models.style_mapping import StyleMapping
from rhapsode.models.unet import UNet, he_init
from rhapsode.paint.networks import PortraitFeatures
from rhapsode.render.mouth_window import DRAWN_CHANNELS, INSIDE, WindowSize

#: Distance between two mouth shapes (`window.mouth_shape`, canonical units) at which they are half alike.
_ALIKE = 0.06
#: So much of a match is enough to borrow the inside of a mouth.
_SURE = 0.02
#: No portrait's tone is taken for darker.
_DARKEST = 0.06


@dataclass(frozen=True)
class PictureDims:
    """Sizes of Style Mapping and Style-Aware Generator."""

    window: WindowSize = field(default_factory=WindowSize)
    """The square of the portrait that is painted."""
    widths: tuple[int, ...] = (32, 64, 96)
    """Channels of the generator at each scale, the finest first."""
    mapping_widths: tuple[int, ...] = (48, 96, 128)
    """The same of the Intermediate Generator."""
    warped: int = 16
    """Channels of the portrait that Style Mapping warps."""
    keypoints: int = 0
    """Keypoints that Style Mapping learns to find; those of the tracked mesh where 0."""
    known: int = 16
    """Channels of what is known of a portrait, handed to the generator at each scale."""
    patterns: bool = True
    """Whether the generator sees ISP images; without them it makes do with the portrait."""


class StyleAwareGenerator(nn.Module):
    """Style Mapping and the generator that is conditioned on what it makes."""

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
        # Twice as fast on a processor.
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
        """Look at portraits in a style, once.

        Args:
            rest: (B, 3, S, S) the portraits, [0, 1].
            references: (B, 4, C, S, S) the explicit renderer's drawings of the references, [0, 1].
            sources: (B, 4, S, S, 2) where their skin comes from, pixels.
            shapes: (B, 4, 4) their mouth shapes, or those of the pictures that take their place.
            own: (B, 4, 4, S, S) other pictures of the person, laid on the portrait, [0, 1], with how much of each pixel
                lies between the lips: they take the place of the ISP images that Style Mapping would make. None: there
                are none.
            has_photo: (B, 4) 1 where there is such a picture, 0 where not.
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
            known: of B portraits.
            drawn: (B, T, C, S, S) the explicit renderer's drawings of T frames of each, [0, 1].
            shapes: (B, T, 4) their mouth shapes.

        Returns:
            (B, T, 3, S, S), about [0, 1].
        """
        batch, frames = drawn.shape[:2]
        toned, share = _toned(drawn, known.tone), match(shapes, known.shapes)
        painted, more = toned[:, :, :3], []
        if self.dims.patterns:
            # What matches best tells of the lips; what lies behind them, the widest open ones.
            best = torch.einsum("btk,bkcyx->btcyx", share, known.patterns)
            more = [best, known.patterns.flatten(1, 2)[:, None].expand(-1, frames, -1, -1, -1)]
            # Teeth stay with the skull: those of the person's own pictures lie where they belong.
            cover = share[..., None, None] * known.photo_mask[:, None]
            whole = cover.sum(2, True)
            own = torch.einsum("btkyx,bkcyx->btcyx", cover, known.patterns) / (whole + 1e-4)
            there = toned[:, :, INSIDE : INSIDE + 1] * whole / (whole + _SURE)
            painted = painted + there * (own - painted)
            more.append(there)
        rest = known.rest[:, None].expand(-1, frames, -1, -1, -1)
        seen = torch.cat([painted, toned[:, :, 3:], rest, *more], 2)
        features = [feature.repeat_interleave(frames, 0) for feature in known.features]
        added = self.generator(seen.flatten(0, 1), features).unflatten(0, (batch, frames))
        return drawn[:, :, :3] + (painted - toned[:, :, :3] + added) * known.tone[:, None]

    @property
    def window(self) -> WindowSize:
        """The square of the portrait that is painted."""
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
        """`encode` of one portrait in NumPy arrays; arguments as in `PictureNetworks.encode_portrait`."""
        known = self.encode(
            *(torch.from_numpy(one)[None] for one in (rest, references, sources, shapes, photos, has_photo))
        )
        made = known.rest, known.patterns, known.photo_mask, known.tone, *known.features
        rest, patterns, photo_mask, tone, *features = (one[0].numpy() for one in made)
        return PortraitFeatures(rest, patterns, photo_mask, tone, shapes, tuple(features))

    @torch.inference_mode()
    def paint(self, portrait: PortraitFeatures[np.ndarray], drawn: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """`forward` of one frame in NumPy arrays; arguments as in `PictureNetworks.paint`."""
        made = portrait.rest, portrait.patterns, portrait.photo_mask, portrait.tone, portrait.shapes, *portrait.features
        rest, patterns, photo_mask, tone, shapes, *features = (torch.from_numpy(one)[None] for one in made)
        known = PortraitFeatures(rest, patterns, photo_mask, tone, shapes, features)
        painted = self(known, torch.from_numpy(drawn)[None, None], torch.from_numpy(shape)[None, None])
        result: np.ndarray = painted[0, 0].numpy()
        return result

    def save(self, path: Path) -> None:
        """Write weights and sizes to one safetensors file, in half precision: half the size, the same picture."""
        tensors = {name: value.half().contiguous() for name, value in self.state_dict().items()}
        partial = path.with_suffix(".partial")
        save_file(tensors, partial, metadata={"dims": json.dumps(asdict(self.dims))})
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> "StyleAwareGenerator":
        """Read what `save` wrote, ready to paint.

        Raises:
            WeightsError: if the file is missing, damaged, or of another model.
        """
        with reading(path, "Style-Aware Generator"), safe_open(path, "pt") as file:
            sizes = json.loads(file.metadata()["dims"])
            window = WindowSize(**sizes.pop("window"))
            sizes = {name: tuple(size) if isinstance(size, list) else size for name, size in sizes.items()}
            generator = cls(PictureDims(window, **sizes))
            generator.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        return generator.eval()


def make_patterns(mapping: StyleMapping, rest: Tensor, references: Tensor, sources: Tensor) -> Tensor:
    """The ISP images of portraits, (B, 4, 3, S, S), about [0, 1]; arguments as in `StyleAwareGenerator.encode`."""
    tone = _tone(rest)
    made: Tensor = mapping(rest / tone, _toned(references, tone), sources)
    return made * tone[:, None]


def _tone(rest: Tensor) -> Tensor:
    """The mean colour around the mouth, the middle of the window: at its edges lies background as often as skin."""
    quarter = rest.shape[-1] // 4
    return rest[..., quarter:-quarter, quarter:-quarter].mean((-1, -2), keepdim=True).clamp_min(_DARKEST)


def _toned(drawn: Tensor, tone: Tensor) -> Tensor:
    """Drawings (B, T, C, S, S) with their painted picture in units of a portrait's tone (B, 3, 1, 1)."""
    return torch.cat([drawn[:, :, :3] / tone[:, None], drawn[:, :, 3:]], 2)


def match(shapes: Tensor, references: Tensor) -> Tensor:
    """How well each reference matches, by features of the mouth's shape: (B, T, 4), (B, K, 4) -> (B, T, K), sum 1."""
    distance = torch.cdist(shapes, references) / _ALIKE
    return functional.softmax(-(distance**2), -1)
