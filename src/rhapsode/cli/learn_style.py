"""`rhapsode learn-style`: a clip of a performance becomes a style."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from rhapsode.cli.fields import Flag, Library, Model, Output, Positional, at_least, option
from rhapsode.cli.progress import ProgressDisplay
from rhapsode.require import require_torch


@dataclass(frozen=True, kw_only=True)
class LearnStyle:
    """The style is kept in your library, where `animate --style NAME` finds it.

    NAME.curve.png beside it shows how it was learnt.
    """

    clip: Annotated[Positional[Path], option("CLIP")]
    """Video of one person who speaks or sings, 1.5 s to 5 min; 10 s or more is best."""
    name: Annotated[str, option("NAME")]
    """Name of the style: letters and digits of any alphabet, - and _."""
    neutral: Annotated[Path | None, option("FILE", "none")] = None
    """Picture or clip of the same person with a relaxed face; what the clip's face shows all the time, a smile or a
    frown, then becomes part of the style."""
    license: Annotated[str, option("TEXT", "none")] = ""
    """Terms under which the style may be used."""
    seed: Annotated[int, at_least(0), option("N")] = 0
    """Of the random numbers; the same seed gives the same style."""
    keep_pictures: Flag = False
    """Keep four small pictures of the person in the style."""
    model: Model = "default"
    """A model folder, or default: the model that comes with the package; the style fits this model only."""
    library: Library = None
    """Folder of your styles."""
    overwrite: Flag = False
    """Replace a style of yours of that name."""
    output: Annotated[Output, option(name="")] = field(default_factory=Output)

    def run(self) -> None:
        """Learn the style, and print where it is."""
        began = time.perf_counter()
        require_torch("rhapsode learn-style")
        with ProgressDisplay(self.output.shows_progress) as progress:
            from rhapsode.learning.learn import learn_style
            from rhapsode.learning.recipe import TransferRecipe
            from rhapsode.style.library import StyleLibrary

            library = StyleLibrary(self.library)
            style = learn_style(
                self.clip,
                self.name,
                self.model,
                neutral=self.neutral,
                license=self.license,
                recipe=TransferRecipe(seed=self.seed),
                pictures=self.keep_pictures,
                library=library,
                overwrite=self.overwrite,
                progress=progress,
            )
        path = library.path(self.name)
        wall = time.perf_counter() - began
        seconds, best = style.provenance["seconds"], max(style.provenance["curve"], key=lambda row: row["score"])
        if self.output.json:
            facts = {
                "name": style.name,
                "path": str(path),
                "bytes": path.stat().st_size,
                "clip_seconds": seconds,
                "learn_seconds": round(wall, 2),
                "lip_sync": best["lip_sync"],
                "distance": best["distance"],
            }
            print(json.dumps(facts))
        elif not self.output.quiet:
            print(f"{path}: {style.name!r}, learnt from {seconds} s in {wall:.0f} s; use it with --style {style.name}")
