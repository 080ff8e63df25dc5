import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.made_up import make_store
from torch import Tensor, nn

from rhapsode.errors import DataError
from rhapsode.training.loop import Loop, fit

LOOP = Loop(steps=12, check_every=3, learning_rate=0.05)


def _fit(out: Path, loop: Loop, interrupt: Callable[[int], None] = lambda step: None) -> nn.Module:
    """Learn to double numbers, with dropout, so that all kinds of random numbers take part."""
    torch.manual_seed(5)
    module = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 4))

    def batch(rng: torch.Generator) -> Tensor:
        return torch.randn(16, 4, generator=rng)

    def loss(trained: nn.Module, numbers: Tensor) -> dict[str, Tensor]:
        return {"squared": (trained(numbers) - 2 * numbers).square().mean()}

    def check(averaged: nn.Sequential) -> dict[str, float]:
        numbers = torch.eye(4)
        with torch.inference_mode():
            return {"score": -float((averaged(numbers) - 2 * numbers).square().mean())}

    return fit("numbers", module, batch, loss, check, loop, out, lambda name, step, steps: interrupt(step))


def _curve(out: Path) -> list[dict[str, str]]:
    with (out / "numbers.csv").open() as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def _equal(one: nn.Module, two: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_a_training_that_was_interrupted_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = _fit(tmp_path / "whole", LOOP)

    def stop(step: int) -> None:
        if step == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _fit(tmp_path / "parts", LOOP, stop)
    assert [row["step"] for row in _curve(tmp_path / "parts")] == ["3", "6"]
    parts = _fit(tmp_path / "parts", LOOP)
    assert _curve(tmp_path / "parts") == _curve(tmp_path / "whole")
    assert _equal(whole, parts)


def test_a_seed_gives_its_curve_however_batches_are_drawn_and_another_seed_another(tmp_path: Path) -> None:
    for name, loop in (("a", LOOP), ("b", replace(LOOP, readers=2)), ("c", replace(LOOP, seed=1))):
        _fit(tmp_path / name, loop)
    assert _curve(tmp_path / "a") == _curve(tmp_path / "b")
    assert _curve(tmp_path / "a") != _curve(tmp_path / "c")


def test_the_weights_that_are_kept_are_the_best_that_were_seen(tmp_path: Path) -> None:
    best = _fit(tmp_path, replace(LOOP, learning_rate=0.5, steps=30))
    scores = [float(row["score"]) for row in _curve(tmp_path)]
    with torch.inference_mode():
        score = -float((best(torch.eye(4)) - 2 * torch.eye(4)).square().mean())
    assert score == pytest.approx(max(scores), abs=1e-4)


def test_a_damaged_checkpoint_is_named_and_kept(tmp_path: Path) -> None:
    damaged = tmp_path / "numbers.checkpoint.safetensors"
    damaged.write_bytes(b"\0" * 100)
    with pytest.raises(DataError, match=r"numbers\.checkpoint\.safetensors: cannot be read .*; remove it"):
        _fit(tmp_path, LOOP)
    assert damaged.read_bytes() == b"\0" * 100


TRAIN = [sys.executable, "-m", "rhapsode.cli", "train", "motion-generator", "--batch", "2", "--check-every", "2"]


COURSE = Path("training", "motion_generator", "motion_generator.csv")


@pytest.mark.slow
def test_a_training_that_was_killed_loses_no_more_than_the_steps_since_its_last_checkpoint(tmp_path: Path) -> None:
    data = make_store(tmp_path / "store", ["train", "val"])

    def command(out: str) -> list[str]:
        return [*TRAIN, "--data", str(data), "--out", str(tmp_path / out), "--steps", "10"]

    killed = subprocess.Popen(command("killed"), stderr=subprocess.DEVNULL)
    log = tmp_path / "killed" / COURSE
    until = time.monotonic() + 120
    while not (log.is_file() and len(log.read_text().splitlines()) > 2):
        assert killed.poll() is None and time.monotonic() < until
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "killed" / "motion_generator.safetensors").exists()
    for out in ("killed", "whole"):
        subprocess.run(command(out), check=True, capture_output=True)
    curves = [
        [row.rsplit(",", 1)[0] for row in (tmp_path / out / COURSE).read_text().splitlines()]
        for out in ("killed", "whole")
    ]
    assert curves[0] == curves[1] and len(curves[0]) == 6


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    data = make_store(tmp_path / "store", ["train", "val"])
    command = [*TRAIN, "--data", str(data), "--out", str(tmp_path / "run"), "--steps", "2", "--devices", "2"]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    assert (tmp_path / "run" / "motion_generator.safetensors").is_file()
