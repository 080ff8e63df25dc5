"""Train the expression network: it learns from MediaPipe's, which does not ship.

    rhapsode train expression-network --data CLIPS --faces FACES --teacher face_blendshapes.tflite --out MODEL

The teacher reads faces seen from the front, without noise; the network sees them turned a little and with the
tracker's noise, and so becomes smoother than its teacher. Nothing is learnt from people of other splits than `train`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.numpy import save
from torch import Tensor, nn

from rhapsode.errors import DataError
from rhapsode.face.expression_network import FILE, ExpressionNetwork, points_of
from rhapsode.face.landmarks import MESH_TO_68
from rhapsode.face.lasting import lasting_units, resting_units
from rhapsode.files import atomic_write
from rhapsode.metrics.expression_teacher import ExpressionTeacher
from rhapsode.models.expression_network import TorchExpressionNetwork
from rhapsode.progress import Progress, no_progress
from rhapsode.training.expression_meshes import Meshes, read_meshes
from rhapsode.training.expression_samples import Samples, measured, to_front
from rhapsode.training.loop import Loop, fit
from rhapsode.training.run import Run

#: How often each face is measured, with other turns and other noise.
_MEASURED = 3
#: Error of a unit that counts as much as its spread over the samples does.
_LEAST = 0.03
#: Every so many frames of a film are checked.
_EVERY = 5
#: What is told of neutral speakers.
_OF_PEOPLE = ("neutral", "spread", "lasting", "resting")
#: Faces between two calls of `progress`.
_TOLD = 1000


@dataclass(frozen=True)
class ExpressionNetworkRecipe:
    """Settings of the expression network."""

    data: Path
    """Folder of films of people who speak; those of style `neutral` tell what is neutral."""
    teacher: Path
    """MediaPipe's `face_blendshapes.tflite`."""
    out: Path
    """Model folder; made where missing."""
    faces: Path | None = None
    """Folder of stills with a list, `faces.csv`."""
    store: Path = Path("stores/meshes")
    """Folder of tracked meshes, filled on the first run."""
    samples: int = 60000
    """Faces to learn from."""
    widths: tuple[int, int] = (192, 160)
    """Widths of the two layers between."""
    batch: int = 512
    """Faces a step."""
    loop: Loop = field(
        default_factory=lambda: Loop(steps=8000, learning_rate=2e-3, weight_decay=1e-3, check_every=1000)
    )
    """How the training runs."""


class _Batch(NamedTuple):
    """Points (B, 292) and the teacher's units (B, 51)."""

    points: Tensor
    units: Tensor


def train(recipe: ExpressionNetworkRecipe, progress: Progress = no_progress) -> Path:
    """Run the recipe.

    Returns:
        The weights, a file of the model.

    Raises:
        DataError: there are no faces of split `train` or `val`, nobody of split `train` speaks neutrally, or the model
            folder holds a training with other settings.
        InstallationError: `ai-edge-litert` is not installed.
        WeightsError: the teacher is missing or damaged.
    """
    teacher = ExpressionTeacher(recipe.teacher)
    found = read_meshes(recipe.data, recipe.faces, recipe.store, progress)
    learnt, checked = ([one for one in found if one.clip.split == split] for split in ("train", "val"))
    speakers = [one for one in learnt if one.clip.style == "neutral" and len(one.meshes) > 1]
    for people, what in ((learnt, "train"), (checked, "val"), (speakers, "train and style neutral, filmed")):
        if not people:
            raise DataError(f"{recipe.data}: shows nobody of split {what}", "add some", "no-clips")
    run = Run.open(recipe, "expression_network")
    rng = np.random.default_rng(recipe.loop.seed)
    faces = Samples(learnt).draw(recipe.samples, rng)
    points = torch.from_numpy(np.stack([measured(faces, rng) for _ in range(_MEASURED)]))
    units = torch.from_numpy(_told(teacher, faces, progress))
    faces_to_check = np.concatenate([one.meshes[::_EVERY] for one in checked])
    wanted = teacher.units(to_front(faces_to_check))
    weight = 1 / (units.std(0) + _LEAST)

    def draw(generator: torch.Generator) -> _Batch:
        chosen = torch.randint(len(units), (recipe.batch,), generator=generator)
        which = torch.randint(_MEASURED, (recipe.batch,), generator=generator)
        return _Batch(points[which, chosen], units[chosen])

    def loss(network: nn.Module, batch: _Batch) -> dict[str, Tensor]:
        return {"error": (((network(batch.points) - batch.units) * weight.to(batch.units.device)) ** 2).mean()}

    torch.manual_seed(recipe.loop.seed)
    network = fit(
        "expression_network",
        TorchExpressionNetwork(recipe.widths, points[0]),
        draw,
        loss,
        lambda network: check(network, points_of(faces_to_check), wanted),
        recipe.loop,
        run.folder,
        progress,
    )
    tensors = dict(network.tensors())
    tensors |= _neutral(ExpressionNetwork({**tensors, **dict.fromkeys(_OF_PEOPLE, np.zeros(51))}), speakers)
    atomic_write(run.path(FILE), save(tensors))
    frames, persons = sum(len(one.meshes) for one in learnt), len({one.clip.speaker for one in learnt})
    shown = f"{frames} frames and stills of {persons} people"
    return run.finish([FILE], {one.clip.license for one in learnt}, shown)


@torch.inference_mode()
def check(network: nn.Module, points: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """Compare a network with its teacher on people it has not seen.

    Args:
        network: maps points to units.
        points: (T, 292), as `points_of`.
        wanted: (T, 51), the teacher's.

    Returns:
        `agreement`, the correlation, mean over the units that move; and `error`, root mean square.
    """
    told = network(torch.from_numpy(points).to(next(network.parameters()).device)).cpu().numpy()
    moving = [unit for unit in range(wanted.shape[1]) if wanted[:, unit].std() > _LEAST and told[:, unit].std() > 0]
    alike = [np.corrcoef(told[:, unit], wanted[:, unit])[0, 1] for unit in moving]
    return {
        "agreement": float(np.mean(alike)) if alike else 0.0,
        "error": float(np.sqrt(np.square(told - wanted).mean())),
    }


def _told(teacher: ExpressionTeacher, faces: np.ndarray, progress: Progress) -> np.ndarray:
    parts = []
    for first in range(0, len(faces), _TOLD):
        parts.append(teacher.units(faces[first : first + _TOLD]))
        progress("teacher", min(first + _TOLD, len(faces)), len(faces))
    return np.concatenate(parts)


def _neutral(network: ExpressionNetwork, speakers: Sequence[Meshes]) -> dict[str, np.ndarray]:
    """Average neutral speakers, every person as much as any other, as `ExpressionNetwork` has them."""
    people: dict[str, list[np.ndarray]] = {}
    rests: dict[str, list[np.ndarray]] = {}
    for one in speakers:
        units = network.units(one.meshes)
        people.setdefault(one.clip.speaker, []).append(units)
        rests.setdefault(one.clip.speaker, []).append(resting_units(units, one.meshes[:, MESH_TO_68]))
    units_of = [np.concatenate(films) for films in people.values()]
    means = np.array([units.mean(0) for units in units_of])
    lasting = np.mean([lasting_units(units) for units in units_of], axis=0)
    resting = np.mean([np.mean(films, axis=0) for films in rests.values()], axis=0)
    found = means.mean(0), means.std(0), lasting, resting
    return {name: value.astype(np.float32) for name, value in zip(_OF_PEOPLE, found, strict=True)}
