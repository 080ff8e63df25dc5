"""`rhapsode evaluate`: a verb for each kind of model."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import UseAppendAction

from rhapsode.cli.errors import UsageError
from rhapsode.cli.fields import Json, Model, Store, at_least, option
from rhapsode.cli.progress import ProgressDisplay
from rhapsode.require import require_torch

if TYPE_CHECKING:
    from rich.table import Table

_SPLITS = ("test", "val", "eval", "train")


@dataclass(frozen=True, kw_only=True)
class Motion:
    """The generator speaks the sound of each clip, and its motion is compared with the speaker's own."""

    data: Annotated[Path, option("FOLDER")]
    """Prepared store, or folder of recordings."""
    split: Annotated[str, option("NAMES")] = "test"
    """Clips to score on: test, val, eval, train, several by commas, or all that are never trained on."""
    model: Model = "default"
    """A model folder, or default: the model that comes with the package."""
    store: Store = Path("stores/clips")
    """Where recordings are prepared, on the first run."""
    report: Annotated[Path | None, option("FOLDER", "none")] = None
    """Write a page with curves and videos to this folder."""
    clips: Annotated[int, at_least(0), option("N")] = 3
    """Videos in the report, for each corpus."""
    live: bool = False
    """Hear each sound as a session does, which looks less far ahead than a file may."""
    output: Annotated[Json, option(name="")] = field(default_factory=Json)

    def run(self) -> None:
        """Score the generator, and print the figures."""
        splits = _splits(self.split)
        require_torch("rhapsode evaluate")
        with ProgressDisplay(self.output.shows_progress) as progress:
            from rhapsode.evaluation.motion import evaluate_motion

            figures = evaluate_motion(
                self.data, self.store, splits, self.model, self.report, self.clips, self.live, progress
            )
        from rhapsode.cli.tables import motion_table

        _print(figures, motion_table, self.output.json, self.report)


@dataclass(frozen=True, kw_only=True)
class StyleTransfer:
    """A style is learnt from each clip, and speaks with a clip of every speaker of the splits test and val.

    The motion is compared with the style clip, and its lips with the speaker's own, next to no style and to the style
    taken at once.
    """

    data: Annotated[Path, option("FOLDER")]
    """Prepared store, or folder of recordings."""
    split: Annotated[str, option("NAMES")] = "eval"
    """Clips to learn styles from: eval, test, val, train, several by commas, or all but train."""
    seed: Annotated[int, option("N")] = 0
    """Of the style transfer."""
    portraits: Annotated[UseAppendAction[tuple[Path, ...]], option("PICTURE", "none")] = ()
    """Pictures, or folders of them, that speak with each style; what they show is measured. Repeatable."""
    expression_teacher: Annotated[Path | None, option("FILE", "the network that ships")] = None
    """MediaPipe's face_blendshapes.tflite, to read expressions with."""
    model: Model = "default"
    """A model folder, or default: the model that comes with the package."""
    store: Store = Path("stores/clips")
    """Where recordings are prepared, on the first run."""
    report: Annotated[Path | None, option("FOLDER", "none")] = None
    """Write a page with tables, curves and videos to this folder."""
    clips: Annotated[int, at_least(0), option("N")] = 3
    """Videos in the report, of the first style clips beside --portraits."""
    output: Annotated[Json, option(name="")] = field(default_factory=Json)

    def run(self) -> None:
        """Learn the styles, score them, and print the figures."""
        splits = _splits(self.split)
        require_torch("rhapsode evaluate")
        with ProgressDisplay(self.output.shows_progress) as progress:
            from rhapsode.evaluation.seen_expressions import Viewing
            from rhapsode.evaluation.styles import evaluate_style
            from rhapsode.learning.recipe import TransferRecipe

            pictures = tuple(picture for path in self.portraits for picture in _files(path))

            figures = evaluate_style(
                self.data,
                self.store,
                splits,
                TransferRecipe(seed=self.seed),
                model=self.model,
                report=self.report,
                viewing=Viewing(pictures, self.expression_teacher) if pictures else None,
                videos=self.clips,
                progress=progress,
            )
        from rhapsode.cli.tables import style_table

        _print(figures, style_table, self.output.json, self.report)


@dataclass(frozen=True, kw_only=True)
class Image:
    """From one frame of a clip and the landmarks of another, the mouth of the other is made and compared with it.

    It is made by a bare warp, by the explicit renderer, and by Style-Aware Generators, whole and with parts left out.
    """

    data: Annotated[Path, option("FOLDER")]
    """Prepared store, or folder of recordings; the recordings themselves are read."""
    split: Annotated[str, option("NAMES")] = "test"
    """Clips to score on: test, val, eval, train, several by commas, or all that are never trained on."""
    weights: Annotated[UseAppendAction[tuple[str, ...]], option("NAME=FILE", "the research weights; repeatable")] = ()
    """Style-Aware Generator to score, and the name that it has in the table."""
    store: Store = Path("stores/clips")
    """Where recordings are prepared, on the first run."""
    pairs: Store = Path("stores/pairs")
    """Where pairs of frames are prepared, on the first run."""
    faces: Annotated[Path | None, option("FOLDER", "none")] = None
    """Folder of stills with a list, faces.csv: people of whom one shows closed and one open lips are scored, too."""
    output: Annotated[Json, option(name="")] = field(default_factory=Json)

    def run(self) -> None:
        """Score the generators, and print the figures."""
        splits = _splits(self.split)
        files: dict[str, Path] = {}
        for given in self.weights:
            name, separator, file = given.partition("=")
            if not (name and separator and file):
                raise UsageError(f"--weights {given}: write NAME=FILE")
            files[name] = Path(file)
        require_torch("rhapsode evaluate")
        with ProgressDisplay(self.output.shows_progress) as progress:
            from rhapsode.evaluation.images import evaluate_image

            figures = evaluate_image(
                self.data, self.store, splits, self.pairs, files or None, self.faces, progress=progress
            )
        from rhapsode.cli.tables import image_table

        _print(figures, image_table, self.output.json, None)


def _files(path: Path) -> list[Path]:
    """List the files of a folder, sorted; a file is listed alone."""
    return sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]


def _splits(text: str) -> list[str]:
    """Read the value of --split; "all" is every split that is never trained on."""
    names = [name.strip() for name in ("test,val,eval" if text.strip() == "all" else text).split(",")]
    for name in names:
        if name not in _SPLITS:
            raise UsageError(f"--split: {name!r} is none of {', '.join(_SPLITS)}, all")
    return names


def _print(
    figures: Mapping[str, Any], table: "Callable[[Mapping[str, Any]], Table]", as_json: bool, report: Path | None
) -> None:
    if as_json:
        print(json.dumps(figures))
        return
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 160).print(table(figures))
    if report is not None:
        print(f"{report / 'index.html'}: the report")
