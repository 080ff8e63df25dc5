"""How the shade of real skin changes with expression, from pictures and films of people with and without it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhapsode.errors import DataError
from rhapsode.face import texture
from rhapsode.face.expression_network import expression_network
from rhapsode.face.tracker import FaceTracker
from rhapsode.media.picture import load_picture
from rhapsode.media.reader import read_frames
from rhapsode.progress import Progress, no_progress

#: Darkest value that counts, so that black pixels have a logarithm.
_DARKEST = 10
#: The bridge of the nose, canonical units: what no expression shades. Its brightness is that of the light.
_STEADY = ((-0.06, 0.0), (0.06, 0.3))
#: Of so many frames of a film one is taken.
_EVERY = 2


@dataclass(frozen=True)
class Look:
    """Hold what skin looks like, or by how much that changes.

    Attributes:
        shade: (*texture.SHAPE) float32, logarithm of picture values against those of the bridge of the nose.
        units: (51,) of expression (`UNITS`).
    """

    shade: np.ndarray
    units: np.ndarray

    def __sub__(self, other: "Look") -> "Look":
        return Look(self.shade - other.shade, self.units - other.units)


def mean_look(looks: Iterable[Look]) -> Look:
    """Average looks, left and right alike in shade."""
    all_of_them = list(looks)
    shade = np.mean([one.shade for one in all_of_them], axis=0)
    return Look(symmetric(shade).astype(np.float32), np.mean([one.units for one in all_of_them], axis=0))


def changes_of_pairs(folder: Path, before: str, after: str, progress: Progress = no_progress) -> list[Look]:
    """Compare pairs of pictures, each of one person.

    Args:
        folder: pictures named PERSON_EXPRESSION.
        before: name of the expression at rest.
        after: name of the other.
        progress: is told of each pair.

    Raises:
        DataError: no pair shows two faces.
    """
    pairs = [(one, one.with_stem(one.stem.replace(before, after))) for one in sorted(folder.glob(f"*_{before}.*"))]
    changes, reader = [], _Reader()
    for n, pair in enumerate(pairs):
        progress("learning", n, len(pairs))
        looks = [reader.look(load_picture(path)) for path in pair if path.is_file()]
        if len(looks) == 2 and looks[0] is not None and looks[1] is not None:
            changes.append(looks[1] - looks[0])
    if not changes:
        raise DataError(f"{folder}: no pairs of faces", f"name them like 001_{before}.jpg, 001_{after}.jpg", "no-pairs")
    return changes


def look_of_films(paths: Iterable[Path]) -> Look:
    """Average how one person looks in films.

    Raises:
        DataError: no frame shows a face.
    """
    films, reader = list(paths), _Reader()
    frames = (frame for film in films for n, (_, frame) in enumerate(read_frames(film)) if n % _EVERY == 0)
    looks = [look for look in map(reader.look, frames) if look is not None]
    if not looks:
        names = ", ".join(map(str, films)) or "the folder of films"
        raise DataError(f"{names}: no face found", "name films that show one", "no-face")
    return mean_look(looks)


def symmetric(shade: np.ndarray) -> np.ndarray:
    """Average a texture with its mirror image."""
    both: np.ndarray = (shade + shade[:, ::-1]) / 2
    return both


class _Reader:
    """Takes looks off pictures."""

    def __init__(self) -> None:
        self._tracker, self._network = FaceTracker(), expression_network()

    def look(self, image: np.ndarray) -> Look | None:
        """Look at the largest face of a picture; None without a face."""
        faces = self._tracker.detect(image)
        if not faces:
            return None
        skin, _ = texture.unwrapped(image, faces[0].mesh[:, :2])
        shade = np.log(np.maximum(skin.mean(-1), _DARKEST))
        (left, top), (right, bottom) = np.rint(texture.to_texture(np.array(_STEADY))).astype(int)
        shade -= np.median(shade[top:bottom, left:right])
        return Look(shade.astype(np.float32), self._network.units(faces[0].mesh[None])[0])
