"""`rhapsode animate`: a portrait and a voice become a video."""

import json
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, make_dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from docstring_parser import parse as parse_docstring
from tyro.conf import UseAppendAction, arg

from rhapsode.cli.errors import UsageError
from rhapsode.cli.fields import Flag, Library, Model, Output, at_least, number_of, option
from rhapsode.cli.progress import ProgressDisplay
from rhapsode.cli.terminal import print_status
from rhapsode.compute import peak_rss_mb
from rhapsode.errors import PortraitError, VideoError
from rhapsode.options import AnimationOptions

if TYPE_CHECKING:
    from rhapsode.animator import Animator
    from rhapsode.credentials.keys import SigningKey
    from rhapsode.media.sinks import Sink
    from rhapsode.media.source import Piped
    from rhapsode.media.waveform import Waveform
    from rhapsode.style.style import Style
    from rhapsode.video import Video

#: What is typed for options that are not plain numbers, and what stands for the values in the help.
_TYPES: dict[str, Any] = {
    "style": str | None, "fps": str, "background": str, "track": Annotated[int | None, at_least(1)],
    "channel": str | None
}  # fmt: skip
_METAVARS = {
    "style": "STYLE", "style_strength": "S", "fps": "RATE", "background": "BACKGROUND", "aspect": "W:H", "seed": "N",
    "track": "N", "channel": "CHANNEL"
}  # fmt: skip
#: What stands for None as a default.
_NONE = {"track": "found by its voice", "channel": "found by its voice"}


def _default_told(name: str, default: object) -> str | None:
    """Say what the default is, where tyro would not say it well: None leaves it to tyro."""
    if default is None:
        return f"(default: {_NONE.get(name, 'none')})"
    return "" if default is False else None


def _animation_flags() -> Any:
    """Make a dataclass of what is typed for `AnimationOptions`, with its names, defaults and descriptions."""
    docs = {
        one.arg_name: " ".join((one.description or "").split())
        for one in parse_docstring(AnimationOptions.__doc__).params
    }
    for name in _NONE:
        docs[name] = docs[name].replace("; found by its voice where None", "")
    docs["style"] = docs["style"].replace("or a style file", "a style file, or a clip, taken without training")
    flags: list[Any] = []
    for one in fields(AnimationOptions):
        kind = _TYPES.get(one.name, type(one.default))
        text = docs[one.name][:1].upper() + docs[one.name][1:]
        said = arg(
            metavar=None if kind is bool else _METAVARS.get(one.name, "GAIN"),
            help=text if text.endswith(".") else f"{text}.",
            help_behavior_hint=_default_told(one.name, one.default),
        )
        default = str(one.default) if kind is str else one.default
        flags.append((one.name, Annotated[kind, said], field(default=default)))
    return make_dataclass("AnimationFlags", flags, frozen=True)


AnimationFlags = _animation_flags()


@dataclass(frozen=True)
class Engine:
    """What computes the video."""

    model: Model = "default"
    """A model folder, or default: the model that comes with the package."""
    device: Annotated[str, option("NAME")] = "cpu"
    """What runs the picture networks: cpu, cuda or coreml."""
    threads: number_of("the processor cores, at most 4") = None  # type: ignore[valid-type]
    """Threads that render frames; the video is the same by any number."""


@dataclass(frozen=True)
class Credentials:
    """What the video says of itself, signed."""

    credentials: Flag = True
    """Sign no Content Credentials; the file's comment says so."""
    credentials_key: Annotated[Path | None, option("FILE", "made on first use")] = None
    """Private key to sign with, PEM."""
    credentials_certificate: Annotated[Path | None, option("FILE", "made on first use")] = None
    """Its certificate, and those that vouch for it, PEM."""

    def key(self) -> "SigningKey | bool":
        """Give the key that is named; True for the user's, False for none."""
        if self.credentials_key is None and self.credentials_certificate is None:
            return self.credentials
        if not self.credentials:
            raise UsageError("--no-credentials needs no key")
        from rhapsode.credentials.signing import load_c2pa

        load_c2pa()
        from rhapsode.credentials.keys import signing_key

        return signing_key(self.credentials_key, self.credentials_certificate)


@dataclass(frozen=True, kw_only=True)
class Animate:
    """The voice comes from --audio or --text, or of several faces from --speak.

    The whole picture is animated, at its own size (or see --aspect, --size), and the video is as long as the sound.
    """

    portrait: Annotated[Path, option("FILE")]
    """Picture that shows a face, or a video, whose best frame is taken."""
    audio: Annotated[str | None, option("FILE", "none")] = None
    """Voice: WAV, MP3, M4A, FLAC, Ogg, or the sound of a video; a pipe; or - for standard input."""
    text: Annotated[str | None, option("TEXT", "none")] = None
    """Instead of --audio: words for a small synthesiser, a robotic stand-in for a recording."""
    voice: Annotated[str | None, option("CODE", "en")] = None
    """Language that --text is spoken in, by code or name: en-us, de, french...; rhapsode voices lists all."""
    speak: Annotated[UseAppendAction[tuple[str, ...]], option("N:FILE", "none")] = ()
    """Instead of --audio, for each face of a picture that speaks: its number, 1 the largest, and its voice."""
    soundtrack: Annotated[str | None, option("FILE", "the voice's own sound")] = None
    """Sound that is heard in the video instead, such as a song whose voice alone is --audio."""
    out: Annotated[str, option("OUT")]
    """Video to write: .mp4, .mov (ProRes), .webm, .gif, a folder such as frames/, or - for standard output."""
    overwrite: Flag = False
    """Replace a folder of frames; a file is always replaced."""
    extra_photo: Annotated[UseAppendAction[tuple[Path, ...]], option("FILE")] = ()
    """Another photo of the same person; its teeth are used."""
    size: Annotated[int | None, option("PIXELS", "the picture's own, at most 1080p")] = None
    """Longest side of the video, 64 to 4096."""
    face: number_of("the largest") = None  # type: ignore[valid-type]
    """Which face is animated; 1 is the largest."""
    landmarks: Annotated[Path | None, option("FILE", "none")] = None
    """JSON of five points that place a face where none is found, as in a drawing."""
    options: Annotated[AnimationFlags, option(name="")]  # type: ignore[valid-type]
    library: Library = None
    """Folder of your styles."""
    engine: Annotated[Engine, option(name="")] = field(default_factory=Engine)
    credentials: Annotated[Credentials, option(name="")] = field(default_factory=Credentials)
    output: Annotated[Output, option(name="")] = field(default_factory=Output)

    def run(self) -> None:
        """Make the video, and print where it is."""
        # What is quick to see is refused before the models load, and before a text is spoken.
        if sum((self.audio is not None, self.text is not None, bool(self.speak))) != 1:
            raise UsageError("give the voice with either --audio, --text or --speak")
        if self.voice is not None and self.text is None:
            raise UsageError("--voice is the language of --text; a recording has its own")
        speakers = self._speakers()
        options = AnimationOptions(**{one.name: getattr(self.options, one.name) for one in fields(AnimationOptions)})
        for path in (self.portrait, *self.extra_photo):
            _check_picture(path)
        from rhapsode.media.backdrop import TRANSPARENT, check_background

        style, background = options.style, str(options.background)
        check_background(background)
        names = (self.audio, *speakers.values(), self.soundtrack, style and str(style), self.landmarks, background)
        named = [Path(one) for one in names if one]
        sink = self._sink(options.frame_rate, background == TRANSPARENT, [self.portrait, *named, *self.extra_photo])
        key = self.credentials.key()
        from rhapsode.media.sound import opened_sound

        with ProgressDisplay(self.output.shows_progress) as progress:
            began = time.perf_counter()
            spoken = None if speakers else self._spoken(progress)
            voices = {number: opened_sound(voice) for number, voice in speakers.items()}
            heard = None if self.soundtrack is None else opened_sound(self.soundtrack)
            speaking = time.perf_counter() - began
            with progress.step("models"):
                from rhapsode.animator import Animator

                animator = Animator.from_pretrained(self.engine.model, self.engine.device, self.engine.threads)
            began = time.perf_counter() - speaking
            if style is not None:
                with progress.step("style"):
                    options = replace(options, style=self._style(animator, Path(str(style))))
            with progress.step("portrait"):
                if spoken is None:
                    group = animator.load_group(self.portrait, self.size)
                    video = animator.animate_group(group, voices, options, heard)
                    if self.output.shows_progress:
                        told = (f"face {n} ({group.choice.place(n)}): {voice}" for n, voice in speakers.items())
                        print_status("; ".join(told))
                else:
                    wanted = (self.size, self.face, self.extra_photo, self.landmarks)
                    video = animator.animate(animator.load_portrait(self.portrait, *wanted), spoken, options, heard)
            facts = video.save(sink, progress, key)
            wall = time.perf_counter() - began
        size, speed = (video.width, video.height), facts.seconds / wall
        peak = peak_rss_mb()
        if self.output.json:
            line = {
                "out": self.out,
                "frames": facts.frames,
                "fps": float(facts.fps),
                "seconds": facts.seconds,
                "voice_s": facts.voice_seconds,
                **_takes(video),
                "width": size[0],
                "height": size[1],
                "wall_s": round(wall, 3),
                "realtime_factor": round(speed, 3),
                "peak_rss_mb": None if math.isnan(peak) else round(peak, 1),
            }
            print(json.dumps(line))
        elif not self.output.quiet:
            tell, name = (print_status, sink.name) if self.out == "-" else (print, self.out)
            tell(
                f"{name}: {facts.frames} frames, {facts.seconds:.2f} s, {size[0]} x {size[1]}, "
                f"made in {wall:.1f} s ({speed:.1f} x real time)"
            )

    def _speakers(self) -> dict[int, str]:
        """Read --speak: the voices by the numbers of their faces."""
        found: dict[int, str] = {}
        for given in self.speak:
            number, _, voice = given.partition(":")
            if not (number.isascii() and number.isdecimal() and int(number) and voice):
                raise UsageError(f"--speak {given}: is no number of a face and a voice, such as 1:speech.wav")
            if int(number) in found:
                raise UsageError(f"--speak gives face {int(number)} two voices")
            found[int(number)] = voice
        if list(found.values()).count("-") > 1:
            raise UsageError("--speak: standard input is one voice, not two")
        alone = {"--face": self.face, "--landmarks": self.landmarks, "--extra-photo": self.extra_photo}
        for name, value in alone.items() if found else ():
            if value:
                raise UsageError(f"{name} is for one face, and does not go with --speak")
        return found

    def _sink(self, fps: Fraction, clear: bool, inputs: Iterable[Path]) -> "Sink":
        """Find where the video goes, and refuse what could not be written in the end."""
        from rhapsode.media.outputs import sink_for

        if self.out == "-" and self.output.json:
            raise UsageError("--json and --out - would both write to standard output")
        sink, out = sink_for(self.out, self.overwrite), Path(self.out)
        if any(out.exists() and path.exists() and (out.samefile(path) or _is_in(path, out)) for path in inputs):
            raise VideoError(f"{out}: is an input too", "write the video under another name", "bad-path")
        sink.check(fps, clear)
        return sink

    def _style(self, animator: "Animator", style: Path) -> "Style":
        """Find a style by name or file, or take it from a clip."""
        from rhapsode.media.reader import is_video
        from rhapsode.style.library import StyleLibrary

        found: Style | str = str(style)
        if is_video(style):
            from rhapsode import style_from_clip  # needs torch, which named styles do without

            found = style_from_clip(style, model=self.engine.model)
        return animator.find_style(found, StyleLibrary(self.library, animator.bundle.styles))

    def _spoken(self, progress: ProgressDisplay) -> "Path | Piped | Waveform":
        """Give the voice: a sound that was looked into, or a text that was spoken."""
        if self.audio is not None:
            from rhapsode.media.sound import opened_sound

            return opened_sound(self.audio)
        from rhapsode.media.synthesis import synthesise

        with progress.step("voice"):
            return synthesise(self.text or "", self.voice or "en")


def _takes(video: "Video") -> dict[str, Any]:
    """Tell what of the sounds drives the faces, numbers from 1."""
    told = [
        {"track": one.take.track + 1, "channel": None if one.take.channel is None else one.take.channel + 1}
        for one in video.spoken
    ]
    if video.spoken[0].face is None:
        return told[0]
    return {"speakers": [{"face": one.face, **take} for one, take in zip(video.spoken, told, strict=True)]}


def _check_picture(path: Path) -> None:
    if path.is_dir():
        raise PortraitError(f"{path}: is a folder", "name a picture in it", "bad-path")
    if not path.is_file():
        raise PortraitError(f"{path}: no such file", "check the path", "no-file")


def _is_in(path: Path, folder: Path) -> bool:
    return folder.is_dir() and path.resolve().parent == folder.resolve()
