"""Batches for the picture networks: portraits, and the target frames asked of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rhapsode.data.pairs import CLOSED, Pairs
from rhapsode.paint.extra_photos import match_colours
from rhapsode.render.mouth_window import INSIDE
from rhapsode.training.picture_augment import augment, change_teeth
from rhapsode.training.picture_sample import PictureSample

#: How often a portrait comes with extra photos of its person, and then each of the four.
_WITH_PHOTOS, _EACH = 0.5, 0.7
#: How often a portrait is a still, where there are films and stills.
_STILL = 0.15


@dataclass(frozen=True)
class Photos:
    """Extra photos of a portrait's person, aligned with its window.

    Attributes:
        pictures: (4, S, S, 4) uint8 RGB, one for each key motion, and the share of each pixel between the lips.
        shapes: (4, 4) their mouth shapes.
        has_photo: (4,) which of them are there.
    """

    pictures: np.ndarray
    shapes: np.ndarray
    has_photo: np.ndarray


class PairSampler:
    """Draw batches of portraits and their target frames, augmented."""

    def __init__(self, pairs: Sequence[Pairs], portraits: int, frames: int) -> None:
        """Sample pairs.

        Args:
            pairs: portraits with their target frames.
            portraits: B, number of portraits in a batch.
            frames: T, number of target frames of each; even, since neighbours in time stay together.
        """
        self._pairs = pairs
        self._portraits, self._frames = portraits, frames
        speakers = [one.speaker for one in pairs]
        # Every speaker as often as any other: half of the people have a tenth of the clips.
        share = np.array([1 / speakers.count(speaker) for speaker in speakers])
        still = np.array([not one.retrieved for one in pairs])
        if still.any() and not still.all():
            share[still] *= _STILL / (1 - _STILL) * share[~still].sum() / share[still].sum()
        self._share = torch.from_numpy(share)
        self._others = [others_of(one, pairs) for one in pairs]

    def batch(self, rng: torch.Generator) -> PictureSample:
        """Draw a batch."""
        drawn = torch.multinomial(self._share, self._portraits, generator=rng)
        samples = [self._sample(int(number), rng) for number in drawn]
        return PictureSample(*(torch.stack(column) for column in zip(*samples, strict=True)))

    def _sample(self, number: int, rng: torch.Generator) -> PictureSample:
        pairs, others = self._pairs[number], self._others[number]
        photos = None
        if others and float(torch.rand(1, generator=rng)) < _WITH_PHOTOS:
            other = others[int(torch.randint(len(others), (1,), generator=rng))]
            photos = photos_of(pairs, other, torch.rand(4, generator=rng).numpy() < _EACH)
        count = len(pairs.real) // 2
        first = 2 * torch.randint(count, (self._frames // 2,), generator=rng)
        chosen = torch.stack([first, first + 1], -1).flatten().numpy()
        sample = as_sample(pairs, chosen, photos)
        if photos is not None and pairs.own_opening < CLOSED:
            real, shown = change_teeth(sample.real, sample.drawn[:, INSIDE], sample.photos, rng)
            sample = sample._replace(real=real, photos=shown)
        return augment(sample, rng)


def others_of(one: Pairs, pairs: Sequence[Pairs]) -> list[Pairs]:
    """Find where else the person of a portrait is seen: in other clips, or else in other portraits of this one."""
    same = [other for other in pairs if other.retrieved and other.speaker == one.speaker and other is not one]
    return [other for other in same if other.clip != one.clip] or same


def photos_of(one: Pairs, other: Pairs, has_photo: np.ndarray) -> Photos:
    """Take the reference images of another portrait of the person as photos, in the colors of this one.

    Windows are aligned with the face, so that the photos need no further alignment.
    """
    pictures = np.stack([match_colours(picture, one.rest) for picture in other.real_references])
    return Photos(np.concatenate([pictures, other.references[..., INSIDE, None]], -1), other.shapes[:4], has_photo)


def as_sample(pairs: Pairs, chosen: np.ndarray, photos: Photos | None = None) -> PictureSample:
    """Give one portrait and the target frames `chosen` as tensors, without the leading B."""
    has_photo = np.zeros(4, bool) if photos is None else photos.has_photo
    shapes = pairs.shapes[:4] if photos is None else np.where(has_photo[:, None], photos.shapes, pairs.shapes[:4])

    def pictures(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).movedim(-1, -3).float() / 255

    return PictureSample(
        rest=pictures(pairs.rest),
        references=pictures(pairs.references),
        sources=torch.from_numpy(pairs.sources.astype(np.float32)),
        real_references=pictures(pairs.real_references),
        retrieved=torch.tensor(float(pairs.retrieved)),
        drawn=pictures(pairs.drawn[chosen]),
        real=pictures(pairs.real[chosen]),
        regions=torch.from_numpy(pairs.regions[chosen]),
        shapes=torch.from_numpy(np.concatenate([shapes, pairs.shapes[4:][chosen]])),
        photos=pictures(np.zeros_like(pairs.references[..., :4]) if photos is None else photos.pictures),
        has_photo=torch.from_numpy(has_photo.astype(np.float32)),
    )
