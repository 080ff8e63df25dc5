"""The whole of `rhapsode evaluate image`: pictures made for real people's mouths, compared with what they looked like.

A frame of a clip serves as portrait and is asked for the mouth of another frame of that clip, whose landmarks are real.
What the renderer makes of it, in the portrait's own size, is compared with that other frame, laid on the portrait.
Besides, the whole generator is shown four other pictures of the person: frames of another clip, where there is one.
"""

import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage.metrics import structural_similarity

from rhapsode.bundle import RESEARCH, Bundle
from rhapsode.data.index import load_arrays
from rhapsode.data.pairs import CLOSED, OPEN, Pairs
from rhapsode.data.prepare_pairs import prepare_pairs, read_numbered
from rhapsode.data.store import ClipStore, open_store
from rhapsode.data.workers import ProcessDied, map_in_processes
from rhapsode.errors import DataError
from rhapsode.face.expression import disentangle
from rhapsode.face.geometry import fit_pose, to_canonical
from rhapsode.face.mouth import lip_distance
from rhapsode.face.tracker import Face, FaceTracker
from rhapsode.metrics.identity import Identity
from rhapsode.metrics.picture import cpbd, psnr
from rhapsode.models.style_aware_generator import StyleAwareGenerator
from rhapsode.paint.painter import MouthPainter
from rhapsode.progress import no_progress
from rhapsode.render.mouth_window import INSIDE, MouthWindow, WindowSize
from rhapsode.render.portrait import Portrait
from rhapsode.render.renderer import Renderer
from rhapsode.style.references import key_motions, reference_distances

#: Research weights that hold the ways of painting that are compared, all trained equally long.
COMPARED = {
    "no_isp": "ablations/no_isp.safetensors",
    "no_lsp": "ablations/no_lsp.safetensors",
    "full": "style_aware_generator.safetensors",
}
#: Kinds of pairs: a closed mouth asked to open, and any mouth asked for any other.
KINDS = ("closed_to_open", "random")
#: What is also given other pictures of the person, and goes without a row of teeth; and what its figures are called.
_WHOLE, OWN, BARE = "full", "full_own", "no_teeth"
#: Seconds that these are away from the frames asked for, where the person has no other clip.
_APART = 0.3
#: Pixels around the lips that belong to the region of the mouth.
_AROUND = 4
#: Of each portrait so many neighbours are looked at, and of the first so many frames also sharpness and identity.
_NEIGHBOURS, _LOOKED_AT = 2, 1


@dataclass(frozen=True)
class _Job:
    clip: str
    pairs: Sequence[Pairs]
    another: str


def evaluate_image(
    data: Path,
    store: Path,
    splits: Sequence[str],
    kept: Path,
    weights: Mapping[str, Path] | None = None,
    workers: int = 2,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Score pictures of mouths.

    Args:
        data: a prepared store, or a folder of recordings; the recordings themselves are read.
        store: where recordings are prepared, on the first run.
        splits: whose clips are scored on.
        kept: folder of prepared pairs of frames, filled on the first run.
        weights: Style-Aware Generators by the name they are to have; the research weights where None.
        workers: processes side by side.
        progress: called with (stage, done, in all).

    Returns:
        For each of `KINDS`, for `warp` (lips stretched over what lies between them), `painted` (the explicit renderer
        alone), each of the generators, `full_own` (`full`, shown four other pictures of the person) and `no_teeth`
        (`full`, without the row of teeth of `image.teeth`), the means over pairs of `inner_mouth_l1` and `mouth_l1`
        ([0, 255]), `mouth_psnr` (dB), `mouth_ssim`, `opening_error` (canonical units, of landmarks found anew), `cpbd`,
        `identity` (cosine; None where dlib is not installed) and `flicker` (the error of the change from frame to
        frame, [0, 255]); `pairs`, their numbers; `speakers`; and `corpora`, the same for each of them.

    Raises:
        DataError: no clips of these splits, or none that shows a mouth open and closed.
        WeightsError: unusable weights.
    """
    opened = open_store(data, store, progress or no_progress)
    everything: list[Pairs] = []
    for split in splits:
        part = ClipStore(opened.folder, [entry for entry in opened.entries if entry.split == split])
        if part.entries:
            everything += prepare_pairs(part, kept / f"{split}.safetensors", WindowSize(), progress or no_progress)
    if not everything:
        raise DataError(f"{data}: holds no usable clip of split {' or '.join(splits)}; name another with --split")
    of_clip: dict[str, list[Pairs]] = defaultdict(list)
    for one in everything:
        of_clip[one.clip].append(one)
    jobs = [_Job(name, pairs, _another(opened, name)) for name, pairs in of_clip.items()]
    work = partial(_score_clip, opened, dict(weights or research_weights()))
    scores: dict[str, list[dict[str, Any]]] = {}
    for job, found in map_in_processes(work, jobs, min(workers, len(jobs))):
        if isinstance(found, ProcessDied):
            raise DataError(f"{job.clip}: its process died, perhaps for want of memory; make room and run again")
        scores[job.clip] = found
        if progress:
            progress("pictures", len(scores), len(jobs))
    rows = [row for job in jobs for row in scores[job.clip]]
    names = sorted({row["corpus"] for row in rows})
    corpora = {name: summary([row for row in rows if row["corpus"] == name]) for name in names}
    return summary(rows) | {"speakers": len({one.speaker for one in everything}), "corpora": corpora}


def _another(store: ClipStore, name: str) -> str:
    """The next clip of the same person, or this one where there is no other."""
    entry = next(entry for entry in store.entries if entry.name == name)
    same = [one.name for one in store.kept if one.speaker == entry.speaker and one.split == entry.split]
    return same[(same.index(name) + 1) % len(same)]


def research_weights(research: str | Path = RESEARCH) -> dict[str, Path]:
    """Give the files of the Style-Aware Generators that are compared.

    Args:
        research: the bundle of research weights.

    Raises:
        WeightsError: they are not there, as in an installed package, or damaged.
    """
    bundle = Bundle.load(research)
    return {name: bundle.path(file) for name, file in COMPARED.items()}


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over pairs: `rows` have `kind`, `method` and figures, None where one was not taken."""
    found: dict[str, Any] = {"pairs": {}}
    for kind in KINDS:
        of_kind = [row for row in rows if kind in row["kind"]]
        methods = list(dict.fromkeys(row["method"] for row in of_kind))
        found[kind] = {method: _means([row for row in of_kind if row["method"] == method]) for method in methods}
        found["pairs"][kind] = len(of_kind) // max(len(methods), 1)
    return found


def _means(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    names = [name for name in rows[0] if name not in ("kind", "method", "corpus")]
    means: dict[str, float | None] = {}
    for name in names:
        values = [row[name] for row in rows if row[name] is not None]
        means[name] = round(float(np.mean(values)), 5) if values else None
    return means


def _score_clip(store: ClipStore, weights: Mapping[str, Path], job: _Job) -> list[dict[str, Any]]:
    torch.set_num_threads(1)
    entry = next(entry for entry in store.entries if entry.name == job.clip)
    generators = {name: StyleAwareGenerator.load(path) for name, path in weights.items()}
    chosen = {number: choose(one) for number, one in enumerate(job.pairs)}
    wanted = [one.frames[0] for one in job.pairs]
    wanted += [job.pairs[n].frames[1 + frame] for n, frames in chosen.items() for frame in frames]
    pictures = read_numbered(entry, load_arrays(store.folder, entry)["times"], np.unique(wanted))
    rows: list[dict[str, Any]] = []
    with FaceTracker() as tracker:
        scorer = ImageScorer(tracker)
        also = _other_pictures(store, job, wanted, tracker) if _WHOLE in generators else []
        for number, pairs in enumerate(job.pairs):
            faces = tracker.detect(pictures[int(pairs.frames[0])])
            portrait = Portrait.from_image(pictures[int(pairs.frames[0])], tracker, faces[0])
            painters = {
                name: MouthPainter(portrait, generator, pairs.reference_offsets, fitted=True)
                for name, generator in generators.items()
            }
            if also:
                painters[OWN] = MouthPainter(
                    portrait, generators[_WHOLE], pairs.reference_offsets, fitted=True, also=also
                )
            renderers = {"warp": Renderer(portrait, interior=False), "painted": Renderer(portrait)}
            renderers |= {name: Renderer(portrait, painter) for name, painter in painters.items()}
            if _WHOLE in painters:
                renderers[BARE] = Renderer(portrait, painters[_WHOLE], teeth=False)
            real = {frame: pictures[int(pairs.frames[1 + frame])] for frame in chosen[number]}
            window = MouthWindow(portrait)
            for method, renderer in renderers.items():
                rows += scorer.score(method, renderer, window.look, pairs, chosen[number], real)
    folders = job.clip.split("/")
    corpus = folders[1] if folders[0] == "expressive" and len(folders) > 2 else entry.corpus
    return [row | {"corpus": corpus} for row in rows]


def _other_pictures(
    store: ClipStore, job: _Job, wanted: Sequence[int], tracker: FaceTracker
) -> list[tuple[np.ndarray, Face]]:
    """Frames of another clip of the person in which it makes the four key motions, and the face in each."""
    entry = next(entry for entry in store.entries if entry.name == job.another)
    arrays = load_arrays(store.folder, entry)
    offsets, *_ = disentangle(arrays["landmarks"].astype(np.float64))
    distances = reference_distances(offsets, key_motions())
    if job.another == job.clip:
        near = np.abs(arrays["times"][:, None] - arrays["times"][np.array(wanted)]).min(1) < _APART
        distances = np.where(near, np.inf, distances)
    frames = [int(row.argmin()) for row in distances if np.isfinite(row).any()]
    pictures = read_numbered(entry, arrays["times"], np.unique(frames)) if frames else {}
    found = [(picture, tracker.detect(picture)) for picture in pictures.values()]
    return [(picture, faces[0]) for picture, faces in found if faces]


def choose(pairs: Pairs) -> list[int]:
    """Numbers of the frames of a portrait that are looked at, neighbours two by two, first those that open a mouth."""
    rng = np.random.default_rng(zlib.crc32(f"{pairs.clip} {pairs.frames[0]}".encode()))
    first = rng.permutation(np.arange(0, len(pairs.real), 2))
    opens = [n for n in first if _kinds(pairs, n)[0] == KINDS[0] and _kinds(pairs, n + 1)[0] == KINDS[0]]
    others = [n for n in first if n not in opens]
    taken = opens[:_NEIGHBOURS] + others[:_NEIGHBOURS]
    return [int(frame) for n in taken for frame in (n, n + 1)]


def _kinds(pairs: Pairs, frame: int) -> tuple[str, ...]:
    opens = pairs.own_opening < CLOSED and pairs.opening[frame] > OPEN
    return KINDS if opens else KINDS[1:]


class ImageScorer:
    """Compares pictures with what was really seen."""

    def __init__(self, tracker: FaceTracker) -> None:
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
        """Render some of the frames asked of a portrait and score each.

        Args:
            method: names it in the rows.
            renderer: of the portrait.
            look: takes a picture to the portrait's window.
            pairs: the portrait's.
            frames: numbers of frames, neighbours two by two.
            real: the real frames by those numbers.
        """
        still = np.zeros(2), np.zeros(3), np.zeros(3)
        made = {frame: renderer.render(pairs.expressions[frame], *still) for frame in frames}
        seen = {frame: look(picture).astype(np.float32) for frame, picture in made.items()}
        rows = []
        for place, frame in enumerate(frames):
            mouth, inside = mouth_region(pairs.regions[frame]), pairs.drawn[frame, ..., INSIDE] > 127
            truth = pairs.real[frame].astype(np.float32)
            difference = np.abs(seen[frame] - truth).mean(-1)
            box = np.rint(seen[frame][mouth]).astype(np.uint8)
            looked_at = place // 2 % _NEIGHBOURS == 0 and place % 2 < _LOOKED_AT
            flicker = None
            if place % 2:
                before = frames[place - 1]
                change = seen[frame] - seen[before] - (truth - pairs.real[before].astype(np.float32))
                flicker = float(np.abs(change)[mouth].mean())
            rows.append(
                {
                    "kind": _kinds(pairs, frame),
                    "method": method,
                    "inner_mouth_l1": float(difference[inside].mean()) if inside.any() else None,
                    "mouth_l1": float(difference[mouth].mean()),
                    # The portrait's own frame may be among those asked for, and is met exactly.
                    "mouth_psnr": None
                    if np.array_equal(box, pairs.real[frame][mouth])
                    else psnr(box, pairs.real[frame][mouth]),
                    "mouth_ssim": _ssim(seen[frame], truth, mouth),
                    "opening_error": self._opening_error(made[frame], float(pairs.opening[frame])),
                    "cpbd": cpbd(made[frame]) if looked_at else None,
                    "identity": self._identity.likeness(made[frame], real[frame]) if looked_at else None,
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
    """Rows and columns of a window around the lips, of `Pairs.regions` (S, S)."""
    rows, columns = np.flatnonzero((regions == 2).any(1)), np.flatnonzero((regions == 2).any(0))
    return (
        slice(max(rows[0] - _AROUND, 0), rows[-1] + _AROUND + 1),
        slice(max(columns[0] - _AROUND, 0), columns[-1] + _AROUND + 1),
    )


def _ssim(picture: np.ndarray, real: np.ndarray, part: tuple[slice, slice]) -> float:
    _, values = structural_similarity(
        picture, real, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        data_range=255, full=True,
    )  # fmt: skip
    return float(values[part].mean())
