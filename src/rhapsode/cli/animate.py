"""`rhapsode animate`: a portrait and a voice become a video."""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rhapsode.cli.options import Debug, Library, UsageError
from rhapsode.cli.terminal import ProgressDisplay
from rhapsode.compute import peak_rss_mb
from rhapsode.errors import PortraitError, VideoError

if TYPE_CHECKING:
    from rhapsode.media.waveform import Waveform


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
    style: Annotated[
        str | None,
        typer.Option(
            metavar="STYLE",
            help="Manner of speaking: a name (rhapsode styles), a mixture such as ballad*0.6+angry*0.4, a style "
            "file, or a clip whose manner is taken at once.",
        ),
    ] = None,
    style_strength: Annotated[
        float,
        typer.Option(metavar="S", min=0, max=1.5, help="How much of the style: 0 none, 1 as learnt, up to 1.5."),
    ] = 1.0,
    also: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Another picture of the same person, whose teeth are then theirs; repeatable."
        ),
    ] = None,
    teeth: Annotated[bool, typer.Option(help="Whether a mouth that no picture shows open has teeth.")] = True,
    library: Library = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Chance; the same seed gives the same video.")] = 0,
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Threads that make frames.  [default: the processors, at most 4]"),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="What the picture networks run on: cpu, cuda or coreml.")
    ] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as one line of JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but warnings and errors.")] = False,
    debug: Debug = False,
) -> None:
    """Make a portrait speak.

    The voice comes from --audio or --text. The whole picture is animated, at its own size, and the video is as
    long as the sound.
    """
    # What is quick to see is refused before the models load, and before a text is spoken.
    if (audio is None) == (text is None):
        raise UsageError("give the voice with either --audio or --text")
    rate = parse_rate(fps)
    for path in (portrait, *(also or ())):
        _check_portrait(path)
    _check_out(out, [path for path in (portrait, audio, style and Path(style), *(also or ())) if path])
    spoken: Path | Waveform
    with ProgressDisplay(shown=not (quiet or (as_json and not sys.stderr.isatty()))) as progress:
        began = time.perf_counter()
        if audio is not None:
            from rhapsode.media.sound import mono_blocks

            next(mono_blocks(audio))
            spoken = audio
        else:
            from rhapsode.media.synthesis import synthesise

            with progress.stage("voice"):
                spoken = synthesise(text or "", voice)
        speaking = time.perf_counter() - began
        with progress.stage("models"):
            from rhapsode.animator import Animator
            from rhapsode.options import AnimationOptions

            animator = Animator.from_pretrained(device=device, threads=threads)
        began = time.perf_counter() - speaking
        manner = None
        if style is not None:
            from rhapsode.style.library import StyleLibrary

            with progress.stage("style"):
                manner = animator.find_style(style, StyleLibrary(library))
        with progress.stage("portrait and motion"):
            options = AnimationOptions(
                style=manner, style_strength=style_strength, fps=rate, head_motion=head_motion, mouth=mouth,
                blink=blink, teeth=teeth, seed=seed,
            )  # fmt: skip
            video = animator.animate(animator.load_portrait(portrait, size, face, also or ()), spoken, options)
        facts = video.save(out, progress=progress.report)
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
