"""Pairs from stills: people who are filmed are few, and a smile shows what closed lips hide.

Of a person with closed lips in one still and open ones in another, the first is asked for the second. Between the two
the warp gives targets: it closes the open lips in front of the picture's own teeth, which it moves rigidly.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from rhapsode.data.clips import Clip
from rhapsode.data.pairs import CLOSED, Pairs, load_pairs, made_of, save_pairs
from rhapsode.data.prepare_pairs import FORMAT
from rhapsode.data.stills import people_of_several
from rhapsode.data.workers import ProcessDied, map_in_processes
from rhapsode.errors import RhapsodeError
from rhapsode.face.geometry import MIN_EYE_DISTANCE, fit_pose, to_canonical
from rhapsode.face.landmarks import INNER_LIP_PAIRS
from rhapsode.face.mouth import lip_distance, mouth_shape
from rhapsode.face.tracker import Face, FaceTracker
from rhapsode.media.picture import load_picture
from rhapsode.motion.retarget import retarget
from rhapsode.paint.extra_photos import align_photo, offsets_between
from rhapsode.paint.layers import mouth_layers
from rhapsode.progress import Progress, no_progress
from rhapsode.render.mouth_window import MouthWindow, WindowSize
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer
from rhapsode.style.references import key_motions

#: How far the targets are closed, from as open as the still to nearly closed.
_AMOUNTS = (0.0, 0.3, 0.55, 0.8)
#: Share of the gap between the lips that the upper one goes down when they are closed: the median of 28 smiles
#: of people of whom there is a picture with closed lips, too.
_UPPER = 0.47
#: Least opening (canonical units) of a still that shows something.
_PARTED = 0.04
#: Outer points of each lip, and the middle pair of the inner ones that each follows, and how far; the chin.
_OUTER_UPPER = {49: (0, 0.5), 50: (0, 1.0), 51: (1, 1.0), 52: (2, 1.0), 53: (2, 0.5)}
_OUTER_LOWER = {59: (0, 0.5), 58: (0, 1.0), 57: (1, 1.0), 56: (2, 1.0), 55: (2, 0.5)}
_CHIN, _CHIN_FOLLOWS = slice(5, 12), 0.7


def prepare_still_pairs(
    stills: Sequence[Clip], path: Path, size: WindowSize, workers: int, progress: Progress = no_progress
) -> list[Pairs]:
    """Give the pairs of stills from a file, which is made, or made again when the stills have changed.

    Args:
        stills: of people, as `read_stills` gives them.
        path: the file, a `.safetensors`.
        size: size of the mouth window.
        workers: number of processes.
        progress: watches the stage `stills`, in people.
    """
    known = [(one.name, one.path.stat().st_size) for one in stills]
    of = hashlib.sha256(repr((FORMAT, size, known)).encode()).hexdigest()
    if path.is_file() and made_of(path) == of:
        return load_pairs(path)
    found: dict[str, list[Pairs]] = {}
    several = list(people_of_several(stills).values())
    work = partial(_pairs_of, size)
    for number, (person, made) in enumerate(map_in_processes(work, several, workers), 1):
        found[person[0].speaker] = [] if isinstance(made, ProcessDied) else made
        progress("stills", number, len(several))
    pairs = [one for person in several for one in found[person[0].speaker]]
    save_pairs(pairs, path, of)
    return pairs


def smiles_of(stills: Sequence[Clip], size: WindowSize) -> list[tuple[MeasuredPortrait, np.ndarray, Pairs]]:
    """Ask each still of a person that shows closed lips for the mouth of each that shows open ones.

    Args:
        stills: of one person.
        size: size of the mouth window.

    Returns:
        The closed portrait, the still that shows what is asked of it, (H, W, 3) uint8 RGB, and the pair, with one
        target; empty where there are no such two.
    """
    with FaceTracker() as tracker:
        closed, open_ones = _closed_and_open(tracker, stills)
        found = []
        for still, shown in open_ones:
            truth = shown.image, shown.face
            pairs = [(portrait, _pair(still, portrait, size, [truth], together=1)) for portrait in closed]
            found += [(portrait, shown.image, pair) for portrait, pair in pairs if pair is not None]
    return found


def closing(rest: np.ndarray) -> np.ndarray:
    """Give the offsets, (68, 3), that close the lips of a face in canonical space, (68, 3)."""
    offsets = np.zeros_like(rest)
    gaps = rest[INNER_LIP_PAIRS[:, 1]] - rest[INNER_LIP_PAIRS[:, 0]]
    offsets[INNER_LIP_PAIRS[:, 0]] = _UPPER * gaps
    offsets[INNER_LIP_PAIRS[:, 1]] = (_UPPER - 1) * gaps
    for outer, share in ((_OUTER_UPPER, _UPPER), (_OUTER_LOWER, _UPPER - 1)):
        for point, (pair, follows) in outer.items():
            offsets[point] = follows * share * gaps[pair]
    offsets[_CHIN] = _CHIN_FOLLOWS * (_UPPER - 1) * gaps.mean(0)
    return offsets


def _pairs_of(size: WindowSize, stills: Sequence[Clip]) -> list[Pairs]:
    """Make the pairs of one person."""
    cv2.setNumThreads(1)
    with FaceTracker() as tracker:
        closed, open_ones = _closed_and_open(tracker, stills)
        made = []
        for still, shown in open_ones if closed else ():
            found = [_found(tracker, picture) for picture in _closed_by_and_by(shown)]
            targets = [one for one in found if one is not None]
            made += [pairs for one in closed if (pairs := _pair(still, one, size, targets, together=2)) is not None]
    return made


def _closed_and_open(
    tracker: FaceTracker, stills: Sequence[Clip]
) -> tuple[list[MeasuredPortrait], list[tuple[Clip, MeasuredPortrait]]]:
    """Measure the stills of a person, and tell those with closed lips from those with open ones."""
    seen = [(still, portrait) for still in stills if (portrait := _seen(tracker, still)) is not None]
    closed = [portrait for _, portrait in seen if _opening(portrait) < CLOSED]
    return closed, [(still, one) for still, one in seen if _opening(one) >= _PARTED and one.rig.lips.is_open]


def _opening(portrait: MeasuredPortrait) -> float:
    return float(lip_distance(portrait.rest[None])[0])


def _seen(tracker: FaceTracker, still: Clip) -> MeasuredPortrait | None:
    """Measure the face of a still; None where there is none that is large enough."""
    try:
        found = _found(tracker, load_picture(still.path))
        return None if found is None else MeasuredPortrait.from_image(found[0], tracker, found[1])
    except RhapsodeError:
        return None


def _found(tracker: FaceTracker, picture: np.ndarray) -> tuple[np.ndarray, Face] | None:
    faces = tracker.detect(picture)
    return (picture, faces[0]) if faces and faces[0].eye_distance >= MIN_EYE_DISTANCE else None


def _closed_by_and_by(portrait: MeasuredPortrait) -> Iterator[np.ndarray]:
    """Close a portrait's lips by `_AMOUNTS` of the way."""
    renderer, closed = Renderer(portrait, mouth_layers(portrait)), closing(portrait.rest)
    for amount in _AMOUNTS:
        yield renderer.render(amount * closed, np.zeros((2, 2)), np.zeros(3), np.zeros(3))


def _pair(
    still: Clip,
    portrait: MeasuredPortrait,
    size: WindowSize,
    targets: Sequence[tuple[np.ndarray, Face]],
    together: int,
) -> Pairs | None:
    """Ask a portrait for the mouths of other pictures of the person, so many `together`; None where none is aligned."""
    window = MouthWindow(portrait, size)
    kept = []
    for picture, face in targets:
        offsets = offsets_between(portrait, face)
        real = align_photo(window, portrait, picture, face, offsets)
        if real is not None:
            landmarks = face.landmarks[None].astype(np.float64)
            kept.append((portrait.rig.pose(offsets), real, to_canonical(landmarks, fit_pose(landmarks))[0], offsets))
    kept = kept[: len(kept) // together * together]
    if not kept:
        return None
    references = retarget(key_motions(), np.ones(4), portrait.rest)
    drawn = [window.draw(portrait.rig.pose(one)) for one in references]
    faces = np.concatenate([portrait.rest + references, [one[2] for one in kept]])
    return Pairs(
        clip=still.name,
        speaker=still.speaker,
        retrieved=False,
        rest=window.rest,
        references=np.stack([one.stacked() for one in drawn]),
        sources=np.stack([one.source for one in drawn]).astype(np.float16),
        real_references=np.zeros((4, *window.rest.shape), np.uint8),
        drawn=np.stack([window.draw(face).stacked() for face, *_ in kept]),
        real=np.stack([one[1] for one in kept]),
        regions=np.stack([window.regions(one[3]) for one in kept]),
        shapes=mouth_shape(faces).astype(np.float32),
        opening=lip_distance(faces[4:]).astype(np.float32),
        own_opening=_opening(portrait),
        frames=np.zeros(1 + len(kept), int),
        expressions=np.stack([one[3] for one in kept]).astype(np.float32),
        reference_offsets=references.astype(np.float32),
    )
