"""A training is a folder `training/NAME` within a model folder, and ends as files of that model."""

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from rhapsode import __version__
from rhapsode.bundle import Facts, write_manifest
from rhapsode.data.index import Entry
from rhapsode.errors import DataError
from rhapsode.files import atomic_write

#: Fields of recipes that say where things are kept, which changes nothing of the result.
_PLACES = {"out", "store", "pairs", "speech_store"}


@dataclass(frozen=True)
class Run:
    """A training at work.

    Attributes:
        recipe: its settings, a dataclass with a field `out`: the model folder.
        name: of what is trained, such as `motion_generator`.
    """

    recipe: Any
    name: str

    @classmethod
    def open(cls, recipe: Any, name: str) -> "Run":
        """Make the folder of a training, or resume the one in it.

        Raises:
            DataError: the model folder is a file, or holds a training of this name with other settings.
        """
        run = cls(recipe, name)
        if recipe.out.exists() and not recipe.out.is_dir():
            raise DataError(f"{recipe.out}: is a file", "name a folder for the model", "no-folder")
        text = json.dumps(asdict(recipe), default=str, indent=1) + "\n"
        path = run.folder / "recipe.json"
        if path.is_file() and path.read_text() != text:
            raise DataError(
                f"{run.folder}: holds a training with other settings", "name another model folder, or remove this one"
            )
        atomic_write(path, text.encode())
        return run

    @property
    def folder(self) -> Path:
        """Folder for settings, log, checkpoint and scores."""
        folder: Path = self.recipe.out / "training" / self.name
        return folder

    def path(self, name: str) -> Path:
        """Path of a file of the model."""
        path: Path = self.recipe.out / name
        return path

    def finish(self, names: Sequence[str], licenses: Iterable[str], data: str) -> Path:
        """Enter the files that were made into the model's manifest.

        Args:
            names: the files, by their path within the model.
            licenses: of the recordings learnt from.
            data: what was learnt from, in a few words.

        Returns:
            The path of the first file.
        """
        license = "; ".join(sorted({one for one in licenses if one}))
        facts = Facts(license, {"trained": self.name} | _settings(self.recipe), data, code_version())
        write_manifest(self.recipe.out, dict.fromkeys(names, facts))
        return self.path(names[0])


def describe_clips(entries: Sequence[Entry]) -> str:
    """Say in a few words what clips are: how many, by how many people, how long, from which corpora."""
    corpora = ", ".join(sorted({entry.corpus for entry in entries}))
    seconds = sum(entry.seconds for entry in entries)
    return (
        f"{len(entries)} clips of {len({entry.speaker for entry in entries})} people, {seconds:.0f} s, from {corpora}"
    )


def code_version() -> str:
    """Commit of the source checkout that this runs from, or else the version of the package."""
    package = Path(str(files("rhapsode")))
    try:
        git = ["git", "-C", str(package), "rev-parse", "--show-toplevel", "--short", "HEAD"]
        top, commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, ValueError, subprocess.CalledProcessError):
        return __version__
    # An environment may lie within another checkout.
    return commit if Path(top) / "src" / "rhapsode" == package else __version__


def _settings(recipe: Any) -> dict[str, Any]:
    """Give a recipe as JSON has it, without the places on this machine: of a path only its last part stays."""
    kept = {name: value for name, value in asdict(recipe).items() if name not in _PLACES}
    settings: dict[str, Any] = json.loads(json.dumps(kept, default=lambda path: path.name))
    return settings
