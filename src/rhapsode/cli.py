"""The command line: `rhapsode animate`, `rhapsode train`, `rhapsode evaluate`, `rhapsode doctor`."""

import contextlib
import json
import logging
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import TyperException

from rhapsode import __version__
from rhapsode.errors import DataError, PortraitError, RhapsodeError, VideoError

if TYPE_CHECKING:
    import rich.progress
    from rich.console import Console

    from rhapsode.audio.waveform import Waveform

# Torch, MediaPipe and FFmpeg take seconds to import; they are imported in the verbs, so that help and usage
# errors come at once.

BUG, REFUSED, INTERRUPTED = 1, 2, 130
"""Exit codes besides 0: a fault of the program, input or usage that it refuses, Ctrl-C."""

_PLAIN: dict[str, Any] = {"rich_markup_mode": None, "add_completion": False}
_HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(**_PLAIN, context_settings=_HELP, pretty_exceptions_enable=False)
train_app = typer.Typer(**_PLAIN, context_settings=_HELP, help="Train a model on your own clips.")
app.add_typer(train_app, name="train")
evaluate_app = typer.Typer(**_PLAIN, context_settings=_HELP, help="Score a model against real speakers.")
app.add_typer(evaluate_app, name="evaluate")

_Data = Annotated[Path, typer.Option(metavar="FOLDER", help="Folder with clips.csv and its clips.")]
_Store = Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of tracked clips, filled on the first run.")]
_Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


class UsageError(RhapsodeError):
    """Options that do not go together, or a value that is not understood."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: what stands after `rhapsode`; the process's own where None.

    Returns:
        The exit code: 0 done, 1 a fault of the program (or, of `doctor`, of the installation), 2 input or usage
        refused, 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    with _ending_like_interrupts(), _logging_to_stderr(debug):
        try:
            code = app(args=words, prog_name="rhapsode", standalone_mode=False)
        except (RhapsodeError, TyperException, typer.Abort) as error:
            code = _refuse(error, debug)
        except KeyboardInterrupt:
            code = INTERRUPTED
        except BrokenPipeError:
            code = BUG
        except OSError as error:
            code = _refuse(error, debug) if error.filename else _confess(error, debug)
        except Exception as error:
            code = _confess(error, debug)
    if code == INTERRUPTED:
        _say("rhapsode: interrupted; nothing was written")
    return code if isinstance(code, int) else 0


@app.callback(invoke_without_command=True)
def rhapsode(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Make a portrait speak: one picture and a voice become a talking-head video."""
    if version:
        typer.echo(f"rhapsode {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


@app.command(context_settings=_HELP)
def animate(
    portrait: Annotated[Path, typer.Option(metavar="FILE", help="Picture that shows a face.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Video to write; ends in .mp4.")],
    audio: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Voice: WAV, MP3, M4A, FLAC, Ogg, or a video's own sound."),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Instead of --audio: words for a synthesiser, a robotic stand-in for your own recording.",
        ),
    ] = None,
    voice: Annotated[
        str, typer.Option(metavar="CODE", help="Language that --text is spoken in: en, en-us, de, fr...")
    ] = "en",
    fps: Annotated[
        str, typer.Option(metavar="RATE", help="Frames a second: 25, 23.976, 29.97, 30000/1001, 60...")
    ] = "25",
    size: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            min=64,
            max=4096,
            help="Longest side of the video.  [default: the picture's own, at most 1080p]",
        ),
    ] = None,
    face: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Which face, 1 = the largest.  [default: the largest]"),
    ] = None,
    head_motion: Annotated[
        float, typer.Option(metavar="GAIN", min=0, max=2, help="How far the head moves; 1 natural, 0 still.")
    ] = 1.0,
    mouth: Annotated[
        float, typer.Option(metavar="GAIN", min=0, max=2, help="How far the mouth moves; 1 natural, 0 still.")
    ] = 1.0,
    blink: Annotated[
        float,
        typer.Option(metavar="GAIN", min=0, max=2, help="How often the eyes blink; 1 natural, 0 never."),
    ] = 1.0,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Chance; the same seed gives the same video.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as one line of JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but warnings and errors.")] = False,
    debug: _Debug = False,
) -> None:
    """Make a portrait speak.

    The voice comes from --audio or --text. The whole picture is animated, at its own size, and the video is as
    long as the sound.
    """
    # What is quick to see is refused before the models load, and before a text is spoken.
    if (audio is None) == (text is None):
        raise UsageError("give the voice with either --audio or --text")
    rate = parse_rate(fps)
    _check_portrait(portrait)
    _check_out(out, [path for path in (portrait, audio) if path is not None])
    spoken: Path | Waveform
    with _Stages(shown=not (quiet or (as_json and not sys.stderr.isatty()))) as stages:
        began = time.perf_counter()
        if audio is not None:
            from rhapsode.audio.waveform import sound_info

            sound_info(audio)
            spoken = audio
        else:
            from rhapsode.audio.speech import synthesise

            with stages.stage("voice"):
                spoken = synthesise(text or "", voice)
        speaking = time.perf_counter() - began
        with stages.stage("models"):
            from rhapsode.animator import Animator

            animator = Animator.from_pretrained()
        began = time.perf_counter() - speaking
        with stages.stage("portrait and motion"):
            video = animator.animate(
                portrait, spoken, fps=rate, size=size, face=face,
                head_motion=head_motion, mouth=mouth, blink=blink, seed=seed,
            )  # fmt: skip
        with stages.stage("frames", len(video)) as advance:
            facts = video.save(out, progress=advance)
        wall = time.perf_counter() - began
    factor = facts.seconds / wall
    if as_json:
        line = {
            "out": str(out),
            "frames": facts.frames,
            "fps": float(facts.fps),
            "seconds": facts.seconds,
            "width": video.width,
            "height": video.height,
            "wall_s": round(wall, 3),
            "realtime_factor": round(factor, 3),
            "peak_rss_mb": round(peak_rss_mb(), 1),
        }
        typer.echo(json.dumps(line))
    elif not quiet:
        typer.echo(
            f"{out}: {facts.frames} frames, {facts.seconds:.2f} s, {video.width} x {video.height}, "
            f"made in {wall:.1f} s ({factor:.1f} x real time)"
        )


@train_app.command("motion-generator", context_settings=_HELP)
def train_motion_generator(
    data: _Data,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for weights and logs; made if missing.")],
    store: _Store = Path("stores/clips"),
    steps: Annotated[int, typer.Option(metavar="N", min=100, help="Training steps in each of two rounds.")] = 1000,
    align_steps: Annotated[
        int, typer.Option(metavar="N", min=100, help="Steps before the clips' sound is put in step.")
    ] = 600,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Windows of 2 s in a step.")] = 32,
    learning_rate: Annotated[float, typer.Option(metavar="RATE", help="Peak learning rate.")] = 1e-3,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Chance.")] = 0,
    threads: Annotated[int, typer.Option(metavar="N", min=1, help="Processor threads.")] = 1,
    debug: _Debug = False,
) -> None:
    """Train the Motion Generator, which turns sound into lip and face motion.

    Clips are tracked once and kept in the store; the weights come to OUT/motion_generator.safetensors.
    """
    _check_training(data, out)
    with _Stages(shown=True) as stages:
        from rhapsode.training.motion_generator import MotionGeneratorRecipe, train

        recipe = MotionGeneratorRecipe(
            data=data, out=out, store=store, steps=steps, align_steps=align_steps, batch=batch,
            learning_rate=learning_rate, seed=seed, threads=threads,
        )  # fmt: skip
        weights = train(recipe, stages.report)
    typer.echo(f"{weights}: trained; scores on unseen speakers are in {out / 'scores.json'}")


@train_app.command("head-motion", context_settings=_HELP)
def train_head_motion(
    data: _Data,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the weights; made if missing.")],
    store: _Store = Path("stores/clips"),
    debug: _Debug = False,
) -> None:
    """Learn head motion, and measure how often people blink, from clips of style 'address'."""
    _check_training(data, out)
    with _Stages(shown=True) as stages:
        from rhapsode.training.head_motion import HeadMotionRecipe, train

        weights, blinks = train(HeadMotionRecipe(data=data, out=out, store=store), stages.report)
    typer.echo(f"{weights}: trained; {blinks}")


@train_app.command("mean-face", context_settings=_HELP)
def train_mean_face(
    data: _Data,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the weights; made if missing.")],
    store: _Store = Path("stores/clips"),
    debug: _Debug = False,
) -> None:
    """Average the resting faces of the speakers; every other model stands on it."""
    _check_training(data, out)
    with _Stages(shown=True) as stages:
        from rhapsode.training.mean_face import MeanFaceRecipe, train

        weights = train(MeanFaceRecipe(data=data, out=out, store=store), stages.report)
    typer.echo(f"{weights}: averaged")


def _splits(context: typer.Context, text: str) -> str:
    """Check the splits of --split, names by commas, and spell "all" out: every one that is never learnt from."""
    names = [name.strip() for name in ("test,val,eval" if text.strip() == "all" else text).split(",")]
    for name in names:
        if name not in ("train", "val", "test", "eval"):
            raise typer.BadParameter(f"{name!r} is none of test, val, eval, train, all", context)
    return ",".join(names)


@evaluate_app.command("motion", context_settings=_HELP)
def evaluate_motion(
    data: _Data,
    split: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            callback=_splits,
            help="Clips to score on: test, val, eval, train, several by commas, or all that are never learnt from.",
        ),
    ] = "test",
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Motion Generator.  [default: that of the package]")
    ] = None,
    store: _Store = Path("stores/clips"),
    report: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write a page with curves and videos here.")
    ] = None,
    clips: Annotated[int, typer.Option(metavar="N", min=0, help="Videos in the report, for each corpus.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one line of JSON.")] = False,
    debug: _Debug = False,
) -> None:
    """Score a Motion Generator against real speakers, next to plain baselines.

    The sound of each clip is spoken by the generator, and its motion is compared with the speaker's own.
    """
    _check_data(data)
    with _Stages(shown=not as_json or sys.stderr.isatty()) as stages:
        from rhapsode.evaluation import run

        figures = run.evaluate_motion(data, store, split.split(","), weights, report, clips, stages.report)
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        from rich.console import Console

        from rhapsode.evaluation.terminal import as_table

        Console(width=None if sys.stdout.isatty() else 160).print(as_table(figures))
        if report is not None:
            typer.echo(f"{report / 'index.html'}: the report")


@app.command(context_settings=_HELP)
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as one line of JSON.")] = False,
    debug: _Debug = False,
) -> None:
    """Check the installation, and say how to mend what is wrong.

    Exit code 0 if all is well, 1 if not.
    """
    from dataclasses import asdict

    from rhapsode.doctor import examine

    findings = examine()
    if as_json:
        typer.echo(json.dumps({"ok": all(one.ok for one in findings), "checks": [asdict(one) for one in findings]}))
    else:
        for one in findings:
            typer.echo(f"{'ok  ' if one.ok else 'FAIL'}  {one.name:<12} {one.detail}")
            if one.mend:
                typer.echo(f"      {'':<12} to mend: {one.mend}")
    if not all(one.ok for one in findings):
        raise typer.Exit(1)


def parse_rate(text: str) -> Fraction:
    """Read a frame rate; the animator takes decimals such as 29.97 for the fractions they stand for.

    Args:
        text: a number or a fraction, such as "25", "29.97" or "30000/1001".

    Returns:
        Frames a second.

    Raises:
        UsageError: not a rate between 1 and 240.
    """
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 1 <= rate <= 240:
        raise UsageError(f"--fps {text}: not a rate from 1 to 240; write 25, 29.97 or 30000/1001")
    return rate


def peak_rss_mb() -> float:
    """Most memory that this process has held so far, in MB (10^6 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _check_data(data: Path) -> None:
    if not (data / "clips.csv").is_file():
        raise DataError(f"{data}: holds no clips.csv; name the folder that lists your clips with --data")


def _check_training(data: Path, out: Path) -> None:
    _check_data(data)
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: is a file; name a folder with --out")


def _check_portrait(portrait: Path) -> None:
    if portrait.is_dir():
        raise PortraitError(f"{portrait}: is a folder; name a picture in it")
    if not portrait.is_file():
        raise PortraitError(f"{portrait}: no such file; check the path")


def _check_out(out: Path, inputs: Sequence[Path]) -> None:
    """Refuse an output that could not be written in the end, before anything is computed."""
    if out.suffix.lower() != ".mp4":
        raise VideoError(f"{out}: the name of the video must end in .mp4")
    if out.is_dir():
        raise VideoError(f"{out}: is a folder; name a file in it")
    if any(out.exists() and path.exists() and out.samefile(path) for path in inputs):
        raise VideoError(f"{out}: is an input too; write the video under another name")
    if not out.parent.is_dir():
        raise VideoError(f"{out}: there is no folder {str(out.parent)!r}; create it first")
    try:
        # Permissions alone do not tell: the disk may be read-only, or the user may stand above them.
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise VideoError(
            f"{out}: the folder {str(out.parent)!r} is not writable "
            f"({(error.strerror or str(error)).lower()}); choose another folder"
        ) from error


class _Stages:
    """Shows how far the work is, on stderr: bars on a terminal, elsewhere a line now and then."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._bars: rich.progress.Progress | None = None
        self._held: list[str] = []
        self._reported: dict[str, Callable[[int, int], None]] = {}
        self._open = contextlib.ExitStack()
        if shown and sys.stderr.isatty():
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self._bars = Progress(
                TextColumn("{task.description:<20}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=_console(),
            )

    def __enter__(self) -> "_Stages":
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        if self._bars is not None:
            self._bars.stop()

    @contextlib.contextmanager
    def stage(self, name: str, total: int = 1) -> Iterator[Callable[[int, int], None]]:
        """Show a stage while its block runs; gives a function to call with (done, total)."""
        bars = self._bars
        if bars is not None:
            task = bars.add_task(name, total=total)
            yield lambda done, total: bars.update(task, completed=done, total=total)
            bars.update(task, completed=total)
        else:
            began = time.perf_counter()
            yield self._line_writer(name, total)
            if total == 1:
                self._held.append(f"rhapsode: {name}: {time.perf_counter() - began:.1f} s")

    def report(self, name: str, done: int, total: int) -> None:
        """Show how far the stage `name` is; the one before it has ended when another name comes."""
        if name not in self._reported:
            self._reported[name] = self._open.enter_context(self.stage(name, total))
        self._reported[name](done, total)

    def _line_writer(self, name: str, total: int) -> Callable[[int, int], None]:
        """Writes a line for each quarter; the short stages before are told only now, so that an error stands alone."""
        quarter = 0

        def write(done: int, total: int) -> None:
            nonlocal quarter
            if self._shown and 4 * done // total > quarter:
                quarter = 4 * done // total
                _say(f"rhapsode: {name}: {done} of {total}")

        if self._shown and total > 1:
            for line in self._held:
                _say(line)
            self._held.clear()
        return write


@contextlib.contextmanager
def _ending_like_interrupts() -> Iterator[None]:
    """Let a polite kill end the program as Ctrl-C does, so that nothing half-written stays."""

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread: whoever called decides
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _OneLine(logging.Handler):
    """Shows what the package logs as one line each on stderr, above any progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        _say(f"rhapsode: {record.levelname.lower()}: {record.getMessage()}")


@contextlib.contextmanager
def _logging_to_stderr(debug: bool) -> Iterator[None]:
    handler = _OneLine(logging.DEBUG if debug else logging.WARNING)
    logger = logging.getLogger("rhapsode")
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            if not debug:
                # Deprecations inside other packages mean nothing to a user.
                warnings.simplefilter("ignore")
            yield
    finally:
        logger.removeHandler(handler)


def _refuse(error: Exception, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    if isinstance(error, typer.Abort):
        return INTERRUPTED
    if isinstance(error, TyperException):
        message = error.format_message().rstrip(".")
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "rhapsode"
        _say(f"rhapsode: error: {message}; see {command} --help")
    elif isinstance(error, UsageError):
        _say(f"rhapsode: error: {error}; see rhapsode animate --help")
    elif isinstance(error, OSError):
        _say(f"rhapsode: error: {error.filename}: {(error.strerror or '').lower()}; check the path and its permissions")
    else:
        _say(f"rhapsode: error: {error}")
    return REFUSED


def _confess(error: Exception, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    hint = "please report it with the lines above" if debug else "run again with --debug to see where, and report it"
    _say(f"rhapsode: error: this is a bug in rhapsode ({type(error).__name__}: {error}); {hint}")
    return BUG


def _console() -> "Console":
    global _stderr
    if _stderr is None or _stderr.file is not sys.stderr:
        from rich.console import Console

        _stderr = Console(stderr=True)
    return _stderr


_stderr: "Console | None" = None


def _say(message: str) -> None:
    """Print one line on stderr, whatever line breaks the message holds."""
    line = " ".join(message.split())
    if sys.stderr.isatty():
        # Through rich, which lifts the line above a running progress bar.
        _console().print(line, markup=False, highlight=False, soft_wrap=True)
    else:
        print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
