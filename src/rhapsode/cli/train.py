"""`rhapsode train`: a verb for each model."""

from pathlib import Path
from typing import Annotated

import typer

from rhapsode.cli.options import HELP, PLAIN, Data, Debug, Store
from rhapsode.cli.terminal import Stages
from rhapsode.errors import DataError

app = typer.Typer(**PLAIN, context_settings=HELP, help="Train a model on your own clips.")


@app.command("motion-generator", context_settings=HELP)
def train_motion_generator(
    data: Data,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for weights and logs; made if missing.")],
    store: Store = Path("stores/clips"),
    steps: Annotated[int, typer.Option(metavar="N", min=100, help="Training steps in each of two rounds.")] = 1000,
    align_steps: Annotated[
        int, typer.Option(metavar="N", min=100, help="Steps before the clips' sound is put in step.")
    ] = 600,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Windows of 2 s in a step.")] = 32,
    learning_rate: Annotated[float, typer.Option(metavar="RATE", help="Peak learning rate.")] = 1e-3,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Chance.")] = 0,
    threads: Annotated[int, typer.Option(metavar="N", min=1, help="Processor threads.")] = 1,
    debug: Debug = False,
) -> None:
    """Train the Motion Generator, which turns sound into lip and face motion.

    Clips are tracked once and kept in the store; the weights come to OUT/motion_generator.safetensors.
    """
    _check_training(data, out)
    with Stages(shown=True) as stages:
        from rhapsode.training.motion_generator import MotionGeneratorRecipe, train

        recipe = MotionGeneratorRecipe(
            data=data, out=out, store=store, steps=steps, align_steps=align_steps, batch=batch,
            learning_rate=learning_rate, seed=seed, threads=threads,
        )  # fmt: skip
        weights = train(recipe, stages.report)
    typer.echo(f"{weights}: trained; scores on unseen speakers are in {out / 'scores.json'}")


@app.command("head-motion", context_settings=HELP)
def train_head_motion(
    data: Data,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the weights; made if missing.")],
    store: Store = Path("stores/clips"),
    debug: Debug = False,
) -> None:
    """Learn head motion, and measure how often people blink, from clips of style 'address'."""
    _check_training(data, out)
    with Stages(shown=True) as stages:
        from rhapsode.training.head_motion import HeadMotionRecipe, train

        weights, blinks = train(HeadMotionRecipe(data=data, out=out, store=store), stages.report)
    typer.echo(f"{weights}: trained; {blinks}")


@app.command("mean-face", context_settings=HELP)
def train_mean_face(
    data: Data,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the weights; made if missing.")],
    store: Store = Path("stores/clips"),
    debug: Debug = False,
) -> None:
    """Average the resting faces of the speakers; every other model stands on it."""
    _check_training(data, out)
    with Stages(shown=True) as stages:
        from rhapsode.training.mean_face import MeanFaceRecipe, train

        weights = train(MeanFaceRecipe(data=data, out=out, store=store), stages.report)
    typer.echo(f"{weights}: averaged")


def _check_training(data: Path, out: Path) -> None:
    if not (data / "clips.csv").is_file():
        raise DataError(f"{data}: holds no clips.csv; name the folder that lists your clips with --data")
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: is a file; name a folder with --out")
