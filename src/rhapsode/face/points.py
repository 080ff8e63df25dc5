"""Five points that somebody has set on a face: eyes, nose, mouth corners."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.errors import OptionsError

_EXAMPLE = '{"eyes": [[210, 180], [290, 182]], "nose": [252, 230], "mouth": [[220, 275], [285, 274]]}'
#: How many points each name has.
_COUNTS = {"eyes": 2, "nose": 1, "mouth": 2}


@dataclass(frozen=True)
class FivePoints:
    """Five points of a face.

    Attributes:
        points: (5, 2) float64, pixels, x right and y down from the upper left corner of the picture as viewers show
            it: centres of the right and the left eye, tip of the nose, right and left corner of the mouth; right and
            left are the subject's.
    """

    points: np.ndarray

    @classmethod
    def read(cls, given: "FivePoints | Mapping[str, Any] | str | Path") -> "FivePoints":
        """Read points from a JSON file, or take them as Python holds such JSON.

        The JSON is an object such as {"eyes": [[210, 180], [290, 182]], "nose": [252, 230], "mouth": [[220, 275],
        [285, 274]]}: the centres of the eyes, the tip of the nose, and the corners of the mouth. In what order the two
        of a pair stand does not matter: which is right follows from where the mouth is.

        Raises:
            OptionsError: no such file, no such JSON, or no face can have its points there.
        """
        if isinstance(given, FivePoints):
            return given
        if isinstance(given, Mapping):
            return cls._of(given, "landmarks")
        name = f"landmarks={given}"
        try:
            found = json.loads(Path(given).read_text(encoding="utf-8"))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OptionsError(f"{name}: cannot be read ({reason})", "check the path", "bad-landmarks") from None
        except ValueError as error:
            raise OptionsError(f"{name}: not JSON ({error})", f"write {_EXAMPLE}", "bad-landmarks") from None
        return cls._of(found, name)

    @classmethod
    def _of(cls, found: Any, name: str) -> "FivePoints":
        if not isinstance(found, Mapping) or set(found) != set(_COUNTS):
            raise OptionsError(f"{name}: not the eyes, nose and mouth of a face", f"write {_EXAMPLE}", "bad-landmarks")
        rows = []
        for part, count in _COUNTS.items():
            try:
                row = np.asarray(found[part], np.float64).reshape(count, 2)
            except (TypeError, ValueError):
                row = np.full((count, 2), np.nan)
            if not np.isfinite(row).all():
                raise OptionsError(
                    f"{name}: {part} must be {count} x 2 numbers" if count > 1 else f"{name}: {part} must be 2 numbers",
                    f"write {_EXAMPLE}",
                    "bad-landmarks",
                )
            rows.append(row)
        eyes, nose, mouth = rows
        down = mouth.mean(0) - eyes.mean(0)
        eyes, mouth = (_right_first(pair, down) for pair in (eyes, mouth))
        placed = cls(np.concatenate([eyes, nose, mouth]))
        if not placed._is_a_face():
            raise OptionsError(
                f"{name}: no face has its eyes, nose and mouth at such places",
                "set the points again, in pixels from the upper left corner",
                "bad-landmarks",
            )
        return placed

    def scaled(self, scale: np.ndarray) -> "FivePoints":
        """Give the points in a picture that was resized.

        Args:
            scale: (2,) new pixels in an old one, across and down.
        """
        return FivePoints(self.points * scale)

    def lie_in(self, image: np.ndarray) -> bool:
        """Tell whether all points lie in a picture, (H, W, ...)."""
        return bool((self.points >= 0).all() and (self.points <= image.shape[1::-1]).all())

    def _is_a_face(self) -> bool:
        """Whether eyes and mouth span a plane, and the nose lies about between them."""
        right, left, nose, right_corner, left_corner = self.points
        across, down = left - right, (right_corner + left_corner) / 2 - (right + left) / 2
        eyes, mouth, high = (float(np.linalg.norm(side)) for side in (across, left_corner - right_corner, down))
        if min(eyes, high) < 4 or not 0.3 < high / eyes < 3 or not 0.15 < mouth / eyes < 3:
            return False
        if abs(across @ down) > 0.7 * eyes * high:
            return False
        along = float((nose - (right + left) / 2) @ down / high**2)
        return -0.2 < along < 1.2


def _right_first(pair: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Two points, (2, 2), that of the subject's right first, where the face points down that way, (2,)."""
    across = pair[1] - pair[0]
    return pair[::-1] if across[0] * down[1] - across[1] * down[0] < 0 else pair
