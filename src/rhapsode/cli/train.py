"""`rhapsode train`: a verb for each model."""

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rhapsode.cli.options import HELP, PLAIN, Data, Debug, Store
from rhapsode.cli.terminal import Stages
from rhapsode.errors import DataError

if TYPE_CHECKING:
    from rhapsode.training.loop import Loop

app = typer.Typer(**PLAIN, context_settings=HELP, help="Train a model on your own clips.")


class Config(str, Enum):
    """Sizes and settings to start from."""

    default = "default"
    paper = "paper"


_Result = Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the result; made if missing.")]
_Out = Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for weights and logs; a run in it goes on.")]
_Config = Annotated[Config, typer.Option(help="Settings to start from; paper: full size, for GPUs.")]
_Speech = Annotated[
    list[Path] | None,
    typer.Option(metavar="FOLDER", help="Speech without pictures: Common Voice, LibriSpeech, speech.csv; repeatable."),
]
_SpeechStore = Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of prepared speech.")]
_Steps = Annotated[int | None, typer.Option(metavar="N", min=1, help="Training steps.")]
_Batch = Annotated[int | None, typer.Option(metavar="N", min=2, help="Windows in a step.")]
_Rate = Annotated[float | None, typer.Option(metavar="RATE", help="Peak learning rate.")]
_Check = Annotated[int | None, typer.Option(metavar="N", min=1, help="Steps between checks and checkpoints.")]
_Seed = Annotated[int | None, typer.Option(metavar="N", min=0, help="Chance.")]
_Threads = Annotated[int | None, typer.Option(metavar="N", min=1, help="Processor threads.")]
_Accelerator = Annotated[str | None, typer.Option(metavar="KIND", help="cpu, cuda, mps or auto.")]
_Devices = Annotated[int | None, typer.Option(metavar="N", min=1, help="GPUs (or processes) on a machine.")]
_Nodes = Annotated[int | None, typer.Option(metavar="N", min=1, help="Machines.")]
_Precision = Annotated[str | None, typer.Option(metavar="KIND", help="32-true, bf16-mixed or 16-mixed.")]


@app.command("audio-encoder", context_settings=HELP)
def train_audio_encoder(
    out: _Out,
    speech: _Speech = None,
    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Clips whose sound (split train) is learnt from too.")
    ] = None,
    store: _SpeechStore = Path("stores/speech"),
    teacher: Annotated[bool, typer.Option(help="Learn from Whisper too; needs rhapsode[teacher].")] = True,
    config: _Config = Config.default,
    steps: _Steps = None,
    batch: _Batch = None,
    learning_rate: _Rate = None,
    check_every: _Check = None,
    seed: _Seed = None,
    threads: _Threads = None,
    accelerator: _Accelerator = None,
    devices: _Devices = None,
    nodes: _Nodes = None,
    precision: _Precision = None,
    debug: Debug = False,
) -> None:
    """Train the audio encoder, which makes phonetic features of sound, on speech alone."""
    _check_out(out)
    if not speech and data is None:
        raise DataError("name a folder of speech with --speech, or clips with --data")
    with Stages(shown=True) as stages:
        from dataclasses import replace

        from rhapsode.training.audio_encoder import AudioEncoderRecipe, train
        from rhapsode.training.paper import audio_encoder

        recipe = AudioEncoderRecipe(speech=tuple(speech or ()), data=data, out=out, store=store, teacher=teacher)
        if config is Config.paper:
            recipe = audio_encoder(recipe)
        loop = _loop(
            recipe.loop, steps, learning_rate, check_every, seed, threads, accelerator, devices, nodes, precision
        )
        weights = train(replace(recipe, loop=loop, batch=batch or recipe.batch), stages.report)
    typer.echo(f"{weights}: trained; the course is in {out / 'audio_encoder.csv'}")


@app.command("motion-generator", context_settings=HELP)
def train_motion_generator(
    data: Data,
    out: _Out,
    store: Store = Path("stores/clips"),
    encoder: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights of the audio encoder.  [default: none, log-mel]")
    ] = None,
    speech: _Speech = None,
    speech_store: _SpeechStore = Path("stores/speech"),
    config: _Config = Config.default,
    steps: _Steps = None,
    batch: _Batch = None,
    learning_rate: _Rate = None,
    check_every: _Check = None,
    seed: _Seed = None,
    threads: _Threads = None,
    accelerator: _Accelerator = None,
    devices: _Devices = None,
    nodes: _Nodes = None,
    precision: _Precision = None,
    debug: Debug = False,
) -> None:
    """Train the Motion Generator, which turns sound into lip and face motion.

    With --speech it also learns from speech without pictures, by a teacher of motion (needs rhapsode[teacher]).
    """
    _check_out(out)
    with Stages(shown=True) as stages:
        from dataclasses import replace

        from rhapsode.training.motion_generator import MotionGeneratorRecipe, train
        from rhapsode.training.paper import motion_generator

        recipe = MotionGeneratorRecipe(
            data=data, out=out, store=store, encoder=encoder, speech=tuple(speech or ()), speech_store=speech_store
        )
        if config is Config.paper:
            recipe = motion_generator(recipe)
        loop = _loop(
            recipe.loop, steps, learning_rate, check_every, seed, threads, accelerator, devices, nodes, precision
        )
        weights = train(replace(recipe, loop=loop, batch=batch or recipe.batch), stages.report)
    typer.echo(f"{weights}: trained; scores on unseen speakers are in {out / 'scores.json'}")


@app.command("head-motion", context_settings=HELP)
def train_head_motion(
    data: Data,
    out: _Result,
    store: Store = Path("stores/clips"),
    debug: Debug = False,
) -> None:
    """Learn head motion, and measure how often people blink, from clips of style 'address'."""
    _check_out(out)
    with Stages(shown=True) as stages:
        from rhapsode.training.head_motion import HeadMotionRecipe, train

        weights, blinks = train(HeadMotionRecipe(data=data, out=out, store=store), stages.report)
    typer.echo(f"{weights}: trained; {blinks}")


@app.command("mean-face", context_settings=HELP)
def train_mean_face(
    data: Data,
    out: _Result,
    store: Store = Path("stores/clips"),
    debug: Debug = False,
) -> None:
    """Average the resting faces of the speakers; every other model stands on it."""
    _check_out(out)
    with Stages(shown=True) as stages:
        from rhapsode.training.mean_face import MeanFaceRecipe, train

        weights = train(MeanFaceRecipe(data=data, out=out, store=store), stages.report)
    typer.echo(f"{weights}: averaged")


@app.command("key-motions", context_settings=HELP)
def train_key_motions(
    data: Data,
    out: _Result,
    store: Store = Path("stores/clips"),
    debug: Debug = False,
) -> None:
    """Learn the four key motions of style reference images from clips whose words are timed."""
    _check_out(out)
    with Stages(shown=True) as stages:
        from rhapsode.training.key_motions import KeyMotionsRecipe, train

        weights = train(KeyMotionsRecipe(data=data, out=out, store=store), stages.report)
    typer.echo(f"{weights}: learnt")


@app.command("rehearsal", context_settings=HELP)
def train_rehearsal(
    data: Data,
    out: _Result,
    store: Store = Path("stores/clips"),
    generator: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Motion Generator that hears.  [default: the shipped one]")
    ] = None,
    debug: Debug = False,
) -> None:
    """Make the speech that styles are rehearsed on; each Motion Generator needs its own."""
    _check_out(out)
    with Stages(shown=True) as stages:
        from rhapsode.training.rehearsal import RehearsalRecipe, train

        weights = train(RehearsalRecipe(data=data, out=out, store=store, generator=generator), stages.report)
    typer.echo(f"{weights}: made")


def _loop(
    loop: "Loop",
    steps: int | None,
    learning_rate: float | None,
    check_every: int | None,
    seed: int | None,
    threads: int | None,
    accelerator: str | None,
    devices: int | None,
    nodes: int | None,
    precision: str | None,
) -> "Loop":
    """A loop with what was given on the command line in place of what was not."""
    from dataclasses import replace

    given: dict[str, Any] = {name: value for name, value in locals().items() if name in loop.__dataclass_fields__}
    return replace(loop, **{name: value for name, value in given.items() if value is not None})


def _check_out(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: is a file; name a folder with --out")
