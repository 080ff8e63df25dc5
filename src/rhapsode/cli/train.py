"""`rhapsode train`: a verb for each model."""

import inspect
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from rhapsode.cli.options import HELP, PLAIN, Data, Debug, Pairs, Store
from rhapsode.cli.terminal import ProgressDisplay
from rhapsode.errors import DataError
from rhapsode.require import require_torch

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
_Batch = Annotated[int | None, typer.Option(metavar="N", min=2, help="Windows in a step.")]

#: Options for the fields of `training.loop.Loop`.
_LOOP_OPTIONS: dict[str, Any] = {
    "steps": Annotated[int | None, typer.Option(metavar="N", min=1, help="Training steps.")],
    "learning_rate": Annotated[float | None, typer.Option(metavar="RATE", help="Peak learning rate.")],
    "check_every": Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Steps between checks and checkpoints.")
    ],
    "seed": Annotated[int | None, typer.Option(metavar="N", min=0, help="Rng.")],
    "threads": Annotated[int | None, typer.Option(metavar="N", min=1, help="Processor threads.")],
    "accelerator": Annotated[str | None, typer.Option(metavar="KIND", help="cpu, cuda, mps or auto.")],
    "devices": Annotated[int | None, typer.Option(metavar="N", min=1, help="GPUs (or processes) on a machine.")],
    "nodes": Annotated[int | None, typer.Option(metavar="N", min=1, help="Machines.")],
    "precision": Annotated[str | None, typer.Option(metavar="KIND", help="32-true, bf16-mixed or 16-mixed.")],
}


def _with_loop_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options of a training loop; those that were given reach it as the dictionary `loop`."""

    def run(**options: Any) -> None:
        given = {name: options.pop(name) for name in _LOOP_OPTIONS}
        verb(**options, loop={name: value for name, value in given.items() if value is not None})

    own = dict(inspect.signature(verb).parameters)
    del own["loop"]
    debug = own.pop("debug")
    kind = inspect.Parameter.KEYWORD_ONLY
    more = [inspect.Parameter(name, kind, default=None, annotation=of) for name, of in _LOOP_OPTIONS.items()]
    parameters = [*(parameter.replace(kind=kind) for parameter in own.values()), *more, debug.replace(kind=kind)]
    run.__doc__ = verb.__doc__
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


@app.command("audio-encoder", context_settings=HELP)
@_with_loop_options
def train_audio_encoder(
    out: _Out,
    speech: _Speech = None,
    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Clips whose sound (split train) is learnt from too.")
    ] = None,
    store: _SpeechStore = Path("stores/speech"),
    teacher: Annotated[bool, typer.Option(help="Learn from Whisper too; needs rhapsode[teacher].")] = True,
    config: _Config = Config.default,
    batch: _Batch = None,
    *,
    loop: dict[str, Any],
    debug: Debug = False,
) -> None:
    """Train the audio encoder, which makes phonetic features of sound, on speech alone."""
    _check_out(out)
    if not speech and data is None:
        raise DataError("name a folder of speech with --speech, or clips with --data")
    require_torch("rhapsode train")
    with ProgressDisplay(shown=True) as progress:
        from dataclasses import replace

        from rhapsode.training.audio_encoder import AudioEncoderRecipe, train
        from rhapsode.training.paper import AUDIO_ENCODER

        recipe = AudioEncoderRecipe(speech=tuple(speech or ()), data=data, out=out, store=store, teacher=teacher)
        if config is Config.paper:
            recipe = replace(recipe, **AUDIO_ENCODER)
        recipe = replace(recipe, loop=replace(recipe.loop, **loop), batch=batch or recipe.batch)
        weights = train(recipe, progress.report)
    typer.echo(f"{weights}: trained; the course is in {out / 'training' / 'audio_encoder'}")


@app.command("motion-generator", context_settings=HELP)
@_with_loop_options
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
    batch: _Batch = None,
    *,
    loop: dict[str, Any],
    debug: Debug = False,
) -> None:
    """Train the Motion Generator, which turns sound into lip and face motion.

    With --speech it also learns from speech without pictures, by a teacher of motion (needs rhapsode[teacher]).
    """
    _check_out(out)
    require_torch("rhapsode train")
    with ProgressDisplay(shown=True) as progress:
        from dataclasses import replace

        from rhapsode.training.motion_generator import MotionGeneratorRecipe, train
        from rhapsode.training.paper import MOTION_GENERATOR

        recipe = MotionGeneratorRecipe(
            data=data, out=out, store=store, encoder=encoder, speech=tuple(speech or ()), speech_store=speech_store
        )
        if config is Config.paper:
            recipe = replace(recipe, **MOTION_GENERATOR)
        recipe = replace(recipe, loop=replace(recipe.loop, **loop), batch=batch or recipe.batch)
        weights = train(recipe, progress.report)
    typer.echo(f"{weights}: trained; scores on unseen speakers are in {out / 'training' / 'motion_generator'}")


@app.command("style-aware-generator", context_settings=HELP)
@_with_loop_options
def train_style_aware_generator(
    data: Data,
    out: _Out,
    store: Store = Path("stores/clips"),
    pairs: Pairs = Path("stores/pairs"),
    config: _Config = Config.default,
    patterns: Annotated[bool, typer.Option(help="Condition on ISP images.")] = True,
    start: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Weights to start from; a further one for what the first lacks; repeatable."),
    ] = None,
    mapping_steps: Annotated[
        int, typer.Option(metavar="N", min=0, help="Steps for which Style Mapping is trained alone, before.")
    ] = 0,
    photometric: Annotated[
        float | None, typer.Option(metavar="WEIGHT", min=0, help="Weight of the style-aware photometric loss L_sp.")
    ] = None,
    *,
    loop: dict[str, Any],
    debug: Debug = False,
) -> None:
    """Train Style Mapping and the Style-Aware Generator, which make the picture of a mouth."""
    _check_out(out)
    require_torch("rhapsode train")
    with ProgressDisplay(shown=True) as progress:
        from dataclasses import replace

        from rhapsode.training.paper import STYLE_AWARE_GENERATOR
        from rhapsode.training.style_aware_generator import StyleAwareGeneratorRecipe, train

        recipe = StyleAwareGeneratorRecipe(data=data, out=out, store=store, pairs=pairs, start=tuple(start or ()))
        if config is Config.paper:
            recipe = replace(recipe, **STYLE_AWARE_GENERATOR)
        weights = recipe.weights if photometric is None else replace(recipe.weights, photometric=photometric)
        dims = replace(recipe.dims, patterns=patterns)
        recipe = replace(
            recipe, loop=replace(recipe.loop, **loop), weights=weights, dims=dims, mapping_steps=mapping_steps
        )
        trained = train(recipe, progress.report)
    typer.echo(f"{trained}: trained; the course is in {out / 'training' / 'style_aware_generator'}")


@app.command("head-motion", context_settings=HELP)
def train_head_motion(
    data: Data,
    out: _Result,
    store: Store = Path("stores/clips"),
    debug: Debug = False,
) -> None:
    """Learn head motion, and measure how often people blink, from clips of style 'address'."""
    _check_out(out)
    require_torch("rhapsode train")
    with ProgressDisplay(shown=True) as progress:
        from rhapsode.training.head_motion import HeadMotionRecipe, train

        weights = train(HeadMotionRecipe(data=data, out=out, store=store), progress.report)
    typer.echo(f"{weights}: trained; blinks are in {out / 'training' / 'head_motion' / 'blinks.json'}")


@app.command("mean-face", context_settings=HELP)
def train_mean_face(
    data: Data,
    out: _Result,
    store: Store = Path("stores/clips"),
    debug: Debug = False,
) -> None:
    """Average the resting faces of the speakers; every other model stands on it."""
    _check_out(out)
    require_torch("rhapsode train")
    with ProgressDisplay(shown=True) as progress:
        from rhapsode.training.mean_face import MeanFaceRecipe, train

        weights = train(MeanFaceRecipe(data=data, out=out, store=store), progress.report)
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
    require_torch("rhapsode train")
    with ProgressDisplay(shown=True) as progress:
        from rhapsode.training.key_motions import KeyMotionsRecipe, train

        weights = train(KeyMotionsRecipe(data=data, out=out, store=store), progress.report)
    typer.echo(f"{weights}: learnt")


@app.command("replay", context_settings=HELP)
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
    require_torch("rhapsode train")
    with ProgressDisplay(shown=True) as progress:
        from rhapsode.training.replay import ReplayRecipe, train

        weights = train(ReplayRecipe(data=data, out=out, store=store, generator=generator), progress.report)
    typer.echo(f"{weights}: made")


def _check_out(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: is a file; name a folder with --out")
