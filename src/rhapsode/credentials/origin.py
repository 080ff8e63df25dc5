"""What a video was made of, by its SHA-256."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.media.source import Piped
from rhapsode.media.waveform import Waveform

_PIECE = 2**20


@dataclass(frozen=True)
class Origin:
    """Tell what a video was made of.

    Attributes:
        pictures: SHA-256 of the portrait, then of extra photos, hexadecimal.
        style: name of the style; empty for none.
        style_strength: as it was asked for.
        background: what is behind the person: keep, transparent, a colour, or the SHA-256 of a picture.
    """

    pictures: tuple[str, ...] = ()
    style: str = ""
    style_strength: float = 1.0
    background: str = "keep"

    def inputs(
        self,
        voices: Mapping[int | None, Path | Piped | Waveform],
        soundtrack: Path | Piped | Waveform | None = None,
    ) -> dict[str, Any]:
        """Say it as Content Credentials hold it.

        Args:
            voices: drive the faces of those numbers; None the only face.
            soundtrack: is heard instead; None where it is the voices.
        """
        said: dict[str, Any] = {}
        if self.pictures:
            said["portrait"] = self.pictures[0]
            said["extra_photos"] = list(self.pictures[1:])
        for face, voice in voices.items():
            said["voice" if face is None else f"voice {face}"] = sound_hash(voice)
        if soundtrack is not None:
            said["soundtrack"] = sound_hash(soundtrack)
        if self.background != "keep":
            said["background"] = self.background
        return said | {"style": self.style, "style_strength": self.style_strength}


def picture_hash(picture: str | Path | np.ndarray) -> str:
    """Hash a picture: the bytes of its file, or the pixels of an array; empty for what can be read only once."""
    if isinstance(picture, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(picture).data).hexdigest()
    return _hash(_pieces(Path(picture))) if Path(picture).is_file() else ""


def sound_hash(sound: Path | Piped | Waveform) -> str:
    """Hash a sound: the bytes of its file or pipe, or its samples as float32."""
    if isinstance(sound, Waveform):
        return hashlib.sha256(np.ascontiguousarray(sound.samples, "<f4").data).hexdigest()
    return _hash(_pieces(sound))


def _hash(pieces: Iterator[bytes]) -> str:
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


def _pieces(source: Path | Piped) -> Iterator[bytes]:
    if isinstance(source, Path):
        with source.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
        return
    view = source.opened()
    while piece := view.read(_PIECE):
        yield piece
