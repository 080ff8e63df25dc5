"""Score pictures of mouths against what the person really looked like."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rhapsode.data.pairs import CLOSED, OPEN, Pairs
from rhapsode.face.geometry import fit_pose, to_canonical
from rhapsode.face.mouth import lip_distance
from rhapsode.face.tracker import FaceTracker
from rhapsode.metrics.identity import Identity
from rhapsode.metrics.picture import cpbd, psnr, ssim
from rhapsode.render.mouth_window import INSIDE, MOUTH
from rhapsode.render.renderer import Renderer

#: Kinds of pairs: a closed mouth asked to open, and any mouth asked for any other.
KINDS = ("closed_to_open", "random")
#: Of each portrait, this many pairs of neighbouring frames that open a closed mouth, and as many others, are scored.
NEIGHBOURS = 2
#: Pixels around the lips that belong to the region of the mouth.
_AROUND = 4


def kinds_of(pairs: Pairs, frame: int) -> tuple[str, ...]:
    """Tell which of `KINDS` a target frame of a portrait is of; stills are closed lips that are asked to open."""
    if not pairs.retrieved:
        return KINDS[:1]
    opens = pairs.own_opening < CLOSED and pairs.opening[frame] > OPEN
    return KINDS if opens else KINDS[1:]


class ImageScorer:
    """Compares rendered frames with real ones."""

    def __init__(self, tracker: FaceTracker) -> None:
        """Load what measures likeness.

        Args:
            tracker: finds the landmarks of rendered frames.
        """
        self._tracker = tracker
        self._identity = Identity.load()

    def score(
        self,
        method: str,
        renderer: Renderer,
        look: Callable[[np.ndarray], np.ndarray],
        pairs: Pairs,
        frames: Sequence[int],
        real: Mapping[int, np.ndarray],
    ) -> list[dict[str, Any]]:
        """Render some of the target frames of a portrait and score each.

        Args:
            method: names it in the rows.
            renderer: of the portrait.
            look: crops a picture to the portrait's window (`MouthWindow.look`).
            pairs: the portrait's.
            frames: numbers of target frames; 2n and 2n + 1 are neighbours in time.
            real: the real frames by those numbers, (H, W, 3) uint8 RGB.

        Returns:
            A row a frame: `kind`, `method` and the figures of `evaluate_image`, None where one was not measured.
        """
        still = np.zeros((2, 2)), np.zeros(3), np.zeros(3)
        made = {frame: renderer.render(pairs.expressions[frame], *still) for frame in frames}
        seen = {frame: look(picture).astype(np.float32) for frame, picture in made.items()}
        rows = []
        for place, frame in enumerate(frames):
            mouth, inside = mouth_region(pairs.regions[frame]), pairs.drawn[frame, ..., INSIDE] > 127
            truth = pairs.real[frame].astype(np.float32)
            difference = np.abs(seen[frame] - truth).mean(-1)
            box = np.rint(seen[frame][mouth]).astype(np.uint8)
            costly = place // 2 % NEIGHBOURS == 0 and place % 2 == 0
            flicker = None
            if place % 2:
                before = frames[place - 1]
                change = seen[frame] - seen[before] - (truth - pairs.real[before].astype(np.float32))
                flicker = float(np.abs(change)[mouth].mean())
            rows.append(
                {
                    "kind": kinds_of(pairs, frame),
                    "method": method,
                    "inner_mouth_l1": float(difference[inside].mean()) if inside.any() else None,
                    "mouth_l1": float(difference[mouth].mean()),
                    # The portrait's own frame may be among the targets, and is met exactly.
                    "mouth_psnr": None
                    if np.array_equal(box, pairs.real[frame][mouth])
                    else psnr(box, pairs.real[frame][mouth]),
                    "mouth_ssim": ssim(seen[frame], truth, mouth),
                    "opening_error": self._opening_error(made[frame], float(pairs.opening[frame])),
                    "cpbd": cpbd(made[frame]) if costly else None,
                    "identity": self._identity.likeness(made[frame], real[frame]) if costly else None,
                    "flicker": flicker,
                }
            )
        return rows

    def _opening_error(self, picture: np.ndarray, wanted: float) -> float | None:
        faces = self._tracker.detect(picture)
        if not faces:
            return None
        landmarks = faces[0].landmarks[None].astype(np.float64)
        return abs(float(lip_distance(to_canonical(landmarks, fit_pose(landmarks)))[0]) - wanted)


def mouth_region(regions: np.ndarray) -> tuple[slice, slice]:
    """Give the rows and columns around the lips, of a window's regions (S, S) (`MouthWindow.regions`)."""
    rows, columns = np.flatnonzero((regions == MOUTH).any(1)), np.flatnonzero((regions == MOUTH).any(0))
    return (
        slice(max(rows[0] - _AROUND, 0), rows[-1] + _AROUND + 1),
        slice(max(columns[0] - _AROUND, 0), columns[-1] + _AROUND + 1),
    )
