"""A model is a folder of weight files with a manifest, `bundle.json`.

The manifest tells of each file its size and SHA-256, which are checked before it is read, and its license, recipe,
data and commit:

    {"format": 1, "base": "default", "files": {"motion_generator.safetensors": {"size": ..., "sha256": ..., ...}}}

A folder need not hold everything: with the base `default`, what it lacks comes from the model of the package.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

from rhapsode.errors import WeightsError
from rhapsode.files import atomic_write, reading

MANIFEST = "bundle.json"
#: Version of the manifest that is written, and the only one that is read.
FORMAT = 1
#: Name of the model that comes with the package.
DEFAULT = "default"
#: Name of the folder of a source checkout with the weights that only research reads: ablations, earlier models.
RESEARCH = "research"


@dataclass(frozen=True)
class Facts:
    """What a manifest tells of a file beside its content.

    Attributes:
        license: terms under which the file may be used.
        recipe: how it was made: the settings of its training, or the command.
        data: what it was learnt from.
        commit: version of the code that made it.
    """

    license: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    data: str = ""
    commit: str = ""


@dataclass(frozen=True)
class Bundle:
    """A model folder.

    Attributes:
        folder: where it lies.
        entries: the manifest's row of each file, by the file's path within the folder, with `/` between its parts.
        base: has the files that the folder lacks; None where nothing else is used.
    """

    folder: Path
    entries: Mapping[str, Mapping[str, Any]]
    base: "Bundle | None" = None
    _checked: set[str] = field(default_factory=set, compare=False, repr=False)

    @classmethod
    def load(cls, model: str | Path = DEFAULT) -> "Bundle":
        """Read the manifest of a model; no weight file is read yet.

        Args:
            model: `default`, the model of the package; `research`, the weights of a source checkout that only
                evaluation and training read; or a folder.

        Raises:
            WeightsError: there is no such folder, it has no manifest, or the manifest is damaged.
        """
        if model == DEFAULT:
            return _default()
        if model == RESEARCH:
            folder = _package().parent.parent / RESEARCH
            return cls._read(folder, "it does not come with the package: name the folder of a source checkout")
        return cls._read(Path(model), "name a folder that a training wrote")

    @classmethod
    def _read(cls, folder: Path, remedy: str) -> "Bundle":
        manifest = folder / MANIFEST
        if not manifest.is_file():
            raise WeightsError(f"{folder}: is no model folder ({MANIFEST} is missing)", remedy, "no-model")
        with reading(manifest, "manifest of a model", remedy):
            found = json.loads(manifest.read_text(encoding="utf-8"))
            if found["format"] != FORMAT:
                raise ValueError(f"format {found['format']}, and this version of rhapsode reads {FORMAT}")
            if found["base"] not in (None, DEFAULT):
                raise ValueError(f"base {found['base']!r} is neither {DEFAULT!r} nor null")
            entries = {str(name): {**entry, "size": int(entry["size"])} for name, entry in found["files"].items()}
            for name, entry in entries.items():
                parts = PurePosixPath(name).parts
                if not parts or ".." in parts or PurePosixPath(name).is_absolute() or len(entry["sha256"]) != 64:
                    raise ValueError(f"entry {name!r} is not valid")
        return cls(folder, entries, _default() if found["base"] else None)

    def __contains__(self, name: str) -> bool:
        return name in self.entries or (self.base is not None and name in self.base)

    def own(self, name: str) -> bool:
        """Tell whether the folder itself has a file, not only its base."""
        return name in self.entries

    def path(self, name: str) -> Path:
        """Give the path of a file whose content is what the manifest says; it is hashed when first asked for.

        Args:
            name: path within the folder, such as `styles/happy.safetensors`.

        Raises:
            WeightsError: neither the folder nor its base has it, or it is missing or damaged.
        """
        if name not in self.entries:
            if self.base is None:
                raise WeightsError(f"{self.folder}: has no {name}", "complete the model", "incomplete-model")
            return self.base.path(name)
        path, entry = self.folder / name, self.entries[name]
        if name not in self._checked:
            with reading(path, "file of a model", _repair(self.folder)):
                size = path.stat().st_size
                if size != entry["size"]:
                    raise ValueError(f"{size} bytes, not {entry['size']}")
                if sha256_of(path) != entry["sha256"]:
                    raise ValueError("its content is not what the manifest says")
            self._checked.add(name)
        return path

    def digest(self, name: str) -> str:
        """Give the SHA-256 of a file, checked; arguments and errors as in `path`."""
        self.path(name)
        if name in self.entries or self.base is None:
            return str(self.entries[name]["sha256"])
        return self.base.digest(name)

    @property
    def styles(self) -> Path:
        """Folder of the styles that come with the model: its own, or those of its base where it has none."""
        if self.base is not None and not any(name.startswith("styles/") for name in self.entries):
            return self.base.styles
        return self.folder / "styles"

    def facts(self, name: str) -> Facts:
        """Tell how a file of the folder itself was made; nothing is known of one that it has not."""
        entry = self.entries.get(name, {})
        return Facts(**{key: entry[key] for key in asdict(Facts()) if key in entry})


def write_manifest(folder: Path, made: Mapping[str, Facts], base: str | None = DEFAULT) -> None:
    """Write the manifest of a model, or bring it up to date.

    Args:
        folder: holds the files.
        made: the new or changed files, by their path within the folder, and how each was made. Rows of other files in
            a manifest that is there already stay as they are.
        base: where files come from that the folder lacks: `default`, or None for nowhere.

    Raises:
        WeightsError: there is a manifest already, and it is damaged.
    """
    entries: dict[str, Any] = {}
    if (folder / MANIFEST).is_file():
        old = Bundle.load(folder)
        entries, base = dict(old.entries), DEFAULT if old.base else None
    for name, facts in made.items():
        path = folder / name
        entries[name] = {"size": path.stat().st_size, "sha256": sha256_of(path), **asdict(facts)}
    manifest = {"format": FORMAT, "base": base, "files": dict(sorted(entries.items()))}
    atomic_write(folder / MANIFEST, (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode())


def sha256_of(path: Path) -> str:
    """Hash the content of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def _default() -> Bundle:
    folder = _package() / "weights"
    return Bundle._read(folder, _repair(folder))


def _package() -> Path:
    return Path(str(files("rhapsode")))


def _repair(folder: Path) -> str:
    shipped = folder == _package() / "weights"
    return "install rhapsode again" if shipped else "copy the model anew, or train it again"
