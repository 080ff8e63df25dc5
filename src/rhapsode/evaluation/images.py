"""Compare rendered mouths with real ones: `rhapsode evaluate image`.

A frame of a clip serves as portrait; the landmarks of another frame of the clip, the target, are rendered on it, at the
portrait's own resolution, and compared with the target itself, aligned to the portrait. The full model is also given
four extra photos of the person: frames of another clip, where there is one. Of people of whom there are two stills, the
one with closed lips is asked for the mouth of the one that smiles.
"""

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rhapsode.bundle import RESEARCH, Bundle
from rhapsode.data.clips import Clip
from rhapsode.data.index import load_arrays
from rhapsode.data.pairs import Pairs
from rhapsode.data.prepare_pairs import prepare_pairs, read_numbered
from rhapsode.data.still_pairs import smiles_of
from rhapsode.data.stills import people_of_several, read_stills
from rhapsode.data.store import ClipStore, open_store
from rhapsode.data.workers import ProcessDied, map_in_processes
from rhapsode.errors import DataError
from rhapsode.evaluation.image_scorer import KINDS, NEIGHBOURS, ImageScorer, kinds_of
from rhapsode.face.expression import disentangle
from rhapsode.face.tracker import Face, FaceTracker
from rhapsode.models.style_aware_generator import StyleAwareGenerator
from rhapsode.paint.layers import mouth_layers
from rhapsode.paint.networks import PictureNetworks
from rhapsode.paint.painter import MouthPainter
from rhapsode.progress import Progress, no_progress
from rhapsode.render.layers import Layer
from rhapsode.render.mouth_window import MouthWindow, WindowSize
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer
from rhapsode.style.references import key_motions, reference_distances

#: Research weights of the models that are compared, all trained equally long.
COMPARED = {
    "no_isp": "ablations/no_isp.safetensors",
    "no_lsp": "ablations/no_lsp.safetensors",
    "full": "style_aware_generator.safetensors",
}
#: The model that is also given extra photos, and rendered without the teeth layer; and the names of those figures.
FULL, WITH_PHOTOS, NO_TEETH = "full", "full_own", "no_teeth"
#: Seconds between extra photos and the scored frames, where the person has no other clip.
_APART = 0.3


@dataclass(frozen=True)
class _Job:
    """One clip to score, and the clip that its extra photos come from."""

    clip: str
    pairs: Sequence[Pairs]
    another: str


def evaluate_image(
    data: Path,
    store: Path,
    splits: Sequence[str],
    kept: Path,
    weights: Mapping[str, Path] | None = None,
    faces: Path | None = None,
    workers: int = 2,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Score pictures of mouths.

    Args:
        data: a prepared store, or a folder of recordings; the recordings themselves are read.
        store: where recordings are prepared, on the first run.
        splits: of the clips to score.
        kept: folder of prepared pairs of frames, filled on the first run.
        weights: Style-Aware Generators by their names in the result; the research weights where None.
        faces: a folder of stills and their list (`data.stills`), whose people of these splits are scored, too.
        workers: number of processes.
        progress: stages `clips`, `pairs`, `stills` and `pictures`.

    Returns:
        For each of `KINDS` and each method, the means over pairs of `inner_mouth_l1` and `mouth_l1` ([0, 255]),
        `mouth_psnr` (dB), `mouth_ssim`, `opening_error` (canonical units, of landmarks tracked again), `cpbd`,
        `identity` (cosine; None where dlib is not installed) and `flicker` (error of the change from frame to frame,
        [0, 255]); `pairs`, their numbers; `speakers`; and `corpora`, the same for each corpus. Methods are `warp` (no
        layers: the lips stretch over what lies between them), `painted` (the explicit renderer alone), each of the
        generators, `full_own` (`full` with four extra photos of the person) and `no_teeth` (`full` without the layer
        `Teeth`).

    Raises:
        DataError: no clips of these splits, or none that shows a mouth open and closed.
        WeightsError: unusable weights.
    """
    opened = open_store(data, store, progress)
    everything: list[Pairs] = []
    for split in splits:
        part = ClipStore(opened.folder, [entry for entry in opened.entries if entry.split == split])
        if part.entries:
            everything += prepare_pairs(part, kept / f"{split}.safetensors", WindowSize(), progress)
    if not everything:
        raise DataError(f"{data}: no usable clip of split {' or '.join(splits)}", "choose another split", "no-clips")
    of_clip: dict[str, list[Pairs]] = defaultdict(list)
    for one in everything:
        of_clip[one.clip].append(one)
    jobs = [_Job(name, pairs, _another(opened, name)) for name, pairs in of_clip.items()]
    work = partial(_score_clip, opened, dict(weights or research_weights()))
    scores: dict[str, list[dict[str, Any]]] = {}
    for job, found in map_in_processes(work, jobs, min(workers, len(jobs))):
        if isinstance(found, ProcessDied):
            raise _died(job.clip)
        scores[job.clip] = found
        progress("pictures", len(scores), len(jobs))
    rows = [row for job in jobs for row in scores[job.clip]]
    stills_of = read_stills(faces) if faces else ()
    people = people_of_several(one for one in stills_of if one.split in splits)
    work = partial(_score_stills, dict(weights or research_weights()))
    for number, (stills, found) in enumerate(map_in_processes(work, list(people.values()), workers), 1):
        if isinstance(found, ProcessDied):
            raise _died(stills[0].name)
        rows += found
        progress("stills", number, len(people))
    names = sorted({row["corpus"] for row in rows})
    corpora = {name: summary([row for row in rows if row["corpus"] == name]) for name in names}
    return summary(rows) | {"speakers": len({one.speaker for one in everything} | people.keys()), "corpora": corpora}


def _died(name: str) -> DataError:
    return DataError(f"{name}: its process died, perhaps out of memory", "free memory and run again", "process-died")


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
    """Average over pairs.

    Args:
        rows: `kind`, `method` and figures of each pair, None where one was not measured.

    Returns:
        For each of `KINDS`, the means by method and figure; and `pairs`, their numbers.
    """
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
        photos = _extra_photos(store, job, wanted, tracker) if FULL in generators else []
        for number, pairs in enumerate(job.pairs):
            faces = tracker.detect(pictures[int(pairs.frames[0])])
            portrait = MeasuredPortrait.from_image(pictures[int(pairs.frames[0])], tracker, faces[0])
            renderers = _renderers(portrait, generators, pairs.reference_offsets, photos)
            real = {frame: pictures[int(pairs.frames[1 + frame])] for frame in chosen[number]}
            window = MouthWindow(portrait)
            for method, renderer in renderers.items():
                rows += scorer.score(method, renderer, window.look, pairs, chosen[number], real)
    folders = job.clip.split("/")
    corpus = folders[1] if folders[0] == "expressive" and len(folders) > 2 else entry.corpus
    return [row | {"corpus": corpus} for row in rows]


def _score_stills(weights: Mapping[str, Path], stills: Sequence[Clip]) -> list[dict[str, Any]]:
    """The rows of one person's stills."""
    torch.set_num_threads(1)
    generators = {name: StyleAwareGenerator.load(path) for name, path in weights.items()}
    rows: list[dict[str, Any]] = []
    with FaceTracker() as tracker:
        scorer = ImageScorer(tracker)
        for portrait, smile, pairs in smiles_of(stills, WindowSize()):
            window = MouthWindow(portrait)
            for method, renderer in _renderers(portrait, generators, pairs.reference_offsets, []).items():
                rows += scorer.score(method, renderer, window.look, pairs, [0], {0: smile})
    return [row | {"corpus": stills[0].corpus} for row in rows]


def _renderers(
    portrait: MeasuredPortrait,
    generators: Mapping[str, PictureNetworks],
    references: np.ndarray,
    photos: Sequence[tuple[np.ndarray, Face]],
) -> dict[str, Renderer]:
    """The renderer of each method, for one portrait."""
    painters = {name: MouthPainter(portrait, one, references, fitted=True) for name, one in generators.items()}
    if photos:
        full = generators[FULL]
        painters[WITH_PHOTOS] = MouthPainter(portrait, full, references, fitted=True, extra_photos=photos)
    layers: dict[str, Sequence[Layer]] = {"warp": [], "painted": mouth_layers(portrait)}
    layers |= {name: mouth_layers(portrait, painter) for name, painter in painters.items()}
    if FULL in painters:
        layers[NO_TEETH] = mouth_layers(portrait, painters[FULL], teeth=False)
    return {name: Renderer(portrait, one) for name, one in layers.items()}


def _extra_photos(
    store: ClipStore, job: _Job, wanted: Sequence[int], tracker: FaceTracker
) -> list[tuple[np.ndarray, Face]]:
    """Frames of another clip of the person that are most like the four key motions, and the face in each."""
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
    """Choose the target frames of a portrait to score: neighbours two by two, first those that open a closed mouth."""
    rng = np.random.default_rng(zlib.crc32(f"{pairs.clip} {pairs.frames[0]}".encode()))
    first = rng.permutation(np.arange(0, len(pairs.real), 2))
    opens = [n for n in first if kinds_of(pairs, n)[0] == KINDS[0] and kinds_of(pairs, n + 1)[0] == KINDS[0]]
    others = [n for n in first if n not in opens]
    taken = opens[:NEIGHBOURS] + others[:NEIGHBOURS]
    return [int(frame) for n in taken for frame in (n, n + 1)]
