"""The loop that every training shares: steps, averaged weights, checks, checkpoints, logs, devices.

Every step seeds its random numbers from the seed, its number and the process alone. So a training that was killed
resumes from its last checkpoint exactly as it would have continued, and the same seed gives the same curve.
"""

import copy
import csv
import io
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from rhapsode.errors import DataError
from rhapsode.files import atomic_write
from rhapsode.progress import Progress, no_progress

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Loop:
    """Settings that every training has."""

    steps: int = 1000
    """Optimizer steps."""
    learning_rate: float = 1e-3
    """Peak of AdamW's learning rate: linear warm-up over the first twentieth, then cosine decay to zero."""
    weight_decay: float = 1e-2
    """Weight decay of AdamW."""
    averaging: float = 0.99
    """Decay of the exponential moving average (EMA) of the weights; the averaged weights are scored and kept."""
    check_every: int = 100
    """Steps between checks on held-out data; each writes a checkpoint."""
    seed: int = 0
    """Seed of the random numbers."""
    threads: int = 1
    """CPU threads to compute with."""
    readers: int = 0
    """Threads that prepare batches ahead; 0 prepares each when it is needed. The curve is the same."""
    accelerator: str = "cpu"
    """Where to compute (Lightning Fabric): cpu, cuda, mps or auto."""
    devices: int = 1
    """Number of devices on each machine."""
    nodes: int = 1
    """Number of machines."""
    precision: str = "32-true"
    """Numerical precision (Lightning Fabric): 32-true, bf16-mixed or 16-mixed."""


def fit(
    name: str,
    module: Module,
    batch: Callable[[torch.Generator], Any],
    loss: Callable[[nn.Module, Any], dict[str, Tensor]],
    check: Callable[[Module], dict[str, float]],
    loop: Loop,
    out: Path,
    progress: Progress = no_progress,
) -> Module:
    """Train a module.

    Args:
        name: name of the log `NAME.csv` and the checkpoint in `out`, and the stage of the progress.
        module: what is trained, in place.
        batch: draws a batch with a random number generator: a tensor, or a named tuple of tensors.
        loss: terms of the loss, by name; their sum is minimised.
        check: scores of the averaged module, by name; the weights with the greatest first score are kept.
        loop: settings.
        out: folder for log and checkpoint, made where missing.
        progress: told at each check.

    Returns:
        The module with the averaged weights that scored best, on the CPU, in evaluation mode.

    Raises:
        Cancelled: by `progress`; the checkpoint of that check is written already.
        DataError: the checkpoint to resume from is damaged.
    """
    torch.set_num_threads(loop.threads)
    fabric = Fabric(
        accelerator=loop.accelerator, devices=loop.devices, num_nodes=loop.nodes, precision=loop.precision  # type: ignore[arg-type]
    )  # fmt: skip
    fabric.launch()
    averaged = copy.deepcopy(module)
    best: dict[str, Tensor] = {}
    best_score, done = -math.inf, 0
    adam = torch.optim.AdamW(module.parameters(), lr=loop.learning_rate, weight_decay=loop.weight_decay)
    checkpoint = out / f"{name}.checkpoint.safetensors"
    out.mkdir(parents=True, exist_ok=True)
    if checkpoint.is_file():
        try:
            saved = load_file(checkpoint)
        except (OSError, SafetensorError) as error:
            reason = str(error).splitlines()[0]
            raise DataError(f"{checkpoint}: cannot be read ({reason})", "remove it to train anew") from None
        done, best_score = int(saved["done"]), float(saved["best_score"])
        module.load_state_dict(_under("module", saved))
        averaged.load_state_dict(_under("averaged", saved))
        best = _under("best", saved)
    averaged.to(fabric.device)
    trained, optimiser = fabric.setup(module, adam)
    if done:
        _load_adam(adam, module, saved)
    began = time.perf_counter()
    for step, drawn in _batches(batch, loop, done, fabric.global_rank):
        torch.manual_seed(_seed(loop.seed, step, fabric.global_rank))
        for group in optimiser.param_groups:
            group["lr"] = loop.learning_rate * _shape((step - 1) / loop.steps)
        trained.train()
        terms = loss(trained, fabric.to_device(drawn))
        optimiser.zero_grad()
        fabric.backward(torch.stack(list(terms.values())).sum())
        fabric.clip_gradients(trained, optimiser, max_norm=1.0)
        optimiser.step()
        # Warm up the EMA decay, or the average would long remember the initial weights.
        keep = min(loop.averaging, step / (step + 10))
        with torch.no_grad():
            for old, new in zip(averaged.state_dict().values(), module.state_dict().values(), strict=True):
                old.lerp_(new, 1 - keep) if old.is_floating_point() else old.copy_(new)
        if step % loop.check_every and step < loop.steps:
            continue
        if fabric.is_global_zero:
            scores = check(averaged.eval())
            score = next(iter(scores.values()), float(step))
            if not score <= best_score:  # also where the score is not a number
                best, best_score = copy.deepcopy(averaged.state_dict()), score
            saved = {f"module.{key}": value for key, value in module.state_dict().items()}
            saved |= {f"averaged.{key}": value for key, value in averaged.state_dict().items()}
            saved |= {f"best.{key}": value for key, value in best.items()}
            saved |= _adam(adam, module)
            saved |= {"done": torch.tensor(step), "best_score": torch.tensor(best_score)}
            _save(saved, checkpoint)
            values = {key: float(value.detach()) for key, value in terms.items()}
            _log(out / f"{name}.csv", step, values | scores, time.perf_counter() - began)
            progress(name, step, loop.steps)
        fabric.barrier()
    best = {key: value.to(fabric.device) for key, value in best.items()}
    averaged.load_state_dict(fabric.broadcast(best) if loop.devices * loop.nodes > 1 else best)
    return averaged.eval().to("cpu")


def _batches(batch: Callable[[torch.Generator], Any], loop: Loop, done: int, rank: int) -> Iterator[tuple[int, Any]]:
    """Give the steps still to do and their batches, some prepared ahead by threads."""

    def draw(step: int) -> Any:
        return batch(torch.Generator().manual_seed(_seed(loop.seed, step, rank)))

    steps = range(done + 1, loop.steps + 1)
    if not loop.readers:
        yield from ((step, draw(step)) for step in steps)
        return
    with ThreadPoolExecutor(loop.readers) as pool:
        ahead = deque(pool.submit(draw, step) for step in steps[: 2 * loop.readers])
        for step in steps:
            drawn = ahead.popleft().result()
            if step + 2 * loop.readers <= loop.steps:
                ahead.append(pool.submit(draw, step + 2 * loop.readers))
            yield step, drawn


def _shape(done: float) -> float:
    """Schedule of the learning rate: progress (0 .. 1) -> share of the peak (0 .. 1)."""
    warm = 0.05
    return (done + 1e-3) / warm if done + 1e-3 < warm else 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))


def _seed(seed: int, step: int, rank: int) -> int:
    return (seed * 1_000_003 + step) * 1009 + rank


def _under(prefix: str, saved: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix + "."): value for key, value in saved.items() if key.startswith(prefix + ".")}


def _adam(optimiser: torch.optim.Optimizer, module: nn.Module) -> dict[str, Tensor]:
    state = {}
    for name, parameter in module.named_parameters():
        for key, value in optimiser.state[parameter].items():
            state[f"adam.{name}/{key}"] = value
    return state


def _load_adam(optimiser: torch.optim.Optimizer, module: nn.Module, saved: dict[str, Tensor]) -> None:
    parameters = dict(module.named_parameters())
    for key, value in _under("adam", saved).items():
        name, _, what = key.rpartition("/")
        # AdamW keeps its count of steps on the CPU, and the rest where the parameter is.
        device = value.device if what == "step" else parameters[name].device
        optimiser.state[parameters[name]][what] = value.to(device)


def _save(tensors: dict[str, Tensor], path: Path) -> None:
    # Entries may share memory with one another, which the format refuses.
    atomic_write(path, save({key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}))


def _log(path: Path, step: int, values: dict[str, float], seconds: float) -> None:
    """Add a row to a CSV log; rows from `step` on, of a run that was killed after them, are removed."""
    row = {"step": step, **{key: f"{value:.5f}" for key, value in values.items()}, "seconds": f"{seconds:.1f}"}
    rows: list[dict[str, Any]] = []
    if path.is_file():
        with path.open(newline="") as file:
            rows = [old for old in csv.DictReader(file) if int(old["step"]) < step]
    text = io.StringIO(newline="")
    log = csv.DictWriter(text, list(row))
    log.writeheader()
    log.writerows([*rows, row])
    atomic_write(path, text.getvalue().encode())
