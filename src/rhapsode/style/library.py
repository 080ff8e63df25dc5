"""The styles at hand: a folder of the user's own, and those that come with the package."""

import difflib
import re
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from rhapsode.bundle import Bundle
from rhapsode.errors import StyleError
from rhapsode.style.style import STRONGEST, SUFFIX, Style, blend

_FILE_ENDING = re.compile(r"\.\w*[a-zA-Z]\w*$")  # names have no dots, and weights no letters
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Entry:
    """A style of a library, not loaded.

    Attributes:
        name: what it is called there, its file's name without the ending.
        path: the file.
        shipped: whether it comes with the package.
    """

    name: str
    path: Path
    shipped: bool


class StyleLibrary:
    """Styles by their names. The user's own come before shipped ones of the same name, and only they can be changed."""

    def __init__(self, folder: Path | None = None, shipped: Path | None = None) -> None:
        """Look into two folders, either of which may be missing.

        Args:
            folder: the user's own styles, `user_library()` by default; made when the first one is saved.
            shipped: those of the package, by default.
        """
        self.folder = user_library() if folder is None else folder
        self._shipped = Bundle.load().folder / "styles" if shipped is None else shipped

    def entries(self) -> list[Entry]:
        """Every style by name, one for each; none is read, so a file may turn out to be damaged."""
        found = {
            path.name.removesuffix(SUFFIX): Entry(path.name.removesuffix(SUFFIX), path, folder is self._shipped)
            for folder in (self._shipped, self.folder)
            for path in folder.glob(f"*{SUFFIX}")
            if not path.name.startswith(".")
        }
        return sorted(found.values(), key=lambda entry: entry.name)

    def entry(self, name: str) -> Entry:
        """Where a style is, and whose.

        Raises:
            StyleError: if there is none of that name; it tells which ones are spelt like it.
        """
        entries = {entry.name: entry for entry in self.entries()}
        if name not in entries:
            near = " or ".join(repr(one) for one in difflib.get_close_matches(name, entries, 3))
            asked = f"did you mean {near}? " if near else ""
            raise StyleError(f"no style {name!r} in {self.folder} or shipped; {asked}`rhapsode styles` lists all")
        return entries[name]

    def path(self, name: str) -> Path:
        """The file of a style.

        Raises:
            StyleError: if there is none of that name.
        """
        return self.entry(name).path

    def load(self, name: str) -> Style:
        """A style, called what the library calls it.

        Raises:
            StyleError: if there is none of that name, or its file is damaged.
        """
        return replace(Style.load(self.path(name)), name=name)

    def check_free(self, name: str, overwrite: bool = False) -> Path:
        """The file that a style of this name would have.

        Raises:
            StyleError: if the name is none for a library, or taken.
        """
        path = self._own(name)
        if path.exists() and not overwrite:
            raise StyleError(f"{path}: there is already a style of that name; choose another name, or add --overwrite")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StyleError(f"{self.folder}: not writable ({reason}); choose another --library") from None
        return path

    def save(self, style: Style, overwrite: bool = False) -> Path:
        """Keep a style among the user's own.

        Args:
            style: its name is the one it is kept under; a shipped style may bear it too.
            overwrite: whether it may take the place of one of the user's.

        Returns:
            The file.

        Raises:
            StyleError: if its name is none for a library, or taken.
        """
        path = self.check_free(style.name, overwrite)
        style.save(path)
        _curve(path).unlink(missing_ok=True)  # of the style that was there before
        return path

    def rename(self, old: str, new: str) -> Path:
        """Call a style of the user's something else, in its file too; its curve moves with it.

        Returns:
            The file.

        Raises:
            StyleError: if there is none of the old name, it is shipped or damaged, or the new name is taken.
        """
        before = self._changeable(old)
        after = self._own(new)
        if after.exists():
            raise StyleError(f"{after}: there is already a style of that name; choose another, or delete it first")
        replace(Style.load(before), name=new).save(after)
        if _curve(before).exists():
            _curve(before).replace(_curve(after))
        before.unlink()
        return after

    def delete(self, name: str) -> Path:
        """Remove a style of the user's, and its curve.

        Returns:
            The file that is gone.

        Raises:
            StyleError: if there is none of that name, or it is shipped.
        """
        path = self._changeable(name)
        path.unlink()
        _curve(path).unlink(missing_ok=True)
        return path

    def export(self, name: str, path: Path) -> Path:
        """Copy a style out of the library.

        Args:
            name: the style.
            path: a file to make, or a folder to make it in.

        Returns:
            The file.

        Raises:
            StyleError: if there is no such style, it is damaged, or the file exists or cannot be a style's.
        """
        source = self.path(name)
        target = path / f"{name}{SUFFIX}" if path.is_dir() else path
        if target.suffix != SUFFIX:
            raise StyleError(f"{target}: the name of a style's file must end in {SUFFIX}")
        if target.exists():
            raise StyleError(f"{target}: exists; choose another file, or delete it first")
        if not target.parent.is_dir():
            raise StyleError(f"{target}: there is no folder {str(target.parent)!r}; create it first")
        Style.load(source)
        partial = target.with_name(f".{target.name}.partial")
        try:
            shutil.copyfile(source, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        return target

    def import_(self, path: Path, name: str | None = None, overwrite: bool = False) -> Path:
        """Keep a style from a file among the user's own.

        Args:
            path: the file.
            name: what to call it; what it calls itself by default.
            overwrite: whether it may take the place of one of the user's.

        Returns:
            The file in the library.

        Raises:
            StyleError: if the file is no style, or the name is none for a library, or taken.
        """
        style = Style.load(path)
        return self.save(style if name is None else replace(style, name=name), overwrite)

    def _changeable(self, name: str) -> Path:
        entry = self.entry(name)
        if entry.shipped:
            raise StyleError(
                f"style {name!r}: comes with rhapsode and stays as it is; "
                f"for one of your own: rhapsode styles mix {name} --name NAME"
            )
        return entry.path

    def _own(self, name: str) -> Path:
        check_name(name)
        return self.folder / f"{name}{SUFFIX}"


def user_library() -> Path:
    """The folder of the user's own styles; it may not be there yet."""
    return platformdirs.user_data_path("rhapsode", appauthor=False) / "styles"


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a style in a library.

    Raises:
        StyleError: telling what can.
    """
    if not _NAME.fullmatch(name):
        raise StyleError(f"style name {name!r}: give it 1 to 64 of a-z, 0-9, - and _, beginning with a letter or digit")


def parse_mix(text: str) -> list[tuple[str, float]]:
    """Read a mixture of styles.

    Args:
        text: names and how much of each, 1 where nothing is said: "ballad*0.6+angry*0.4", "ballad".

    Returns:
        The names and their weights, as they stand.

    Raises:
        StyleError: if a name is none or comes twice, or a weight is not 0 to `STRONGEST`.
    """
    parts: dict[str, float] = {}
    for part in text.split("+"):
        name, star, number = (word.strip() for word in part.partition("*"))
        if not name:
            raise StyleError(f"style {text!r}: a name is missing; write ballad, or ballad*0.6+angry*0.4")
        check_name(name)
        if name in parts:
            raise StyleError(f"style {text!r}: {name!r} comes twice; name it once, with one weight")
        try:
            weight = float(number) if star else 1.0
        except ValueError:
            weight = -1.0
        if not 0 <= weight <= STRONGEST:
            raise StyleError(f"style {text!r}: {number!r} is no weight from 0 to {STRONGEST:g}; write {name}*0.6")
        parts[name] = weight
    return list(parts.items())


def resolve(text: str, library: StyleLibrary) -> Style:
    """The style that a user means.

    Args:
        text: a file ending in .safetensors, a name of the library, or a mixture such as "ballad*0.6+angry*0.4", whose
            weights add up to 1 at most; without any, all have the same.
        library: where names are looked up.

    Returns:
        The style as it is in the file or the library, or the mixture, called `text`.

    Raises:
        StyleError: if it is not understood, there is no such file or style, or it cannot be read.
    """
    if text.endswith(SUFFIX):
        return Style.load(Path(text))
    path = Path(text)
    if path.is_file() or _FILE_ENDING.search(text) or len(path.parts) > 1:
        raise StyleError(f"{text}: neither a style file nor a video that can be read", "check the path")
    weights = dict(parse_mix(text))
    if set(weights.values()) == {1.0}:
        weights = dict.fromkeys(weights, 1 / len(weights))
    total = sum(weights.values())
    if total > 1 + 1e-6:
        raise StyleError(f"style {text!r}: the weights add up to {total:g}, 1 at most; exaggerate by --style-strength")
    parts = [(library.load(name), weight) for name, weight in weights.items()]
    return parts[0][0] if len(parts) == 1 and parts[0][1] == 1 else blend(parts, text)


def _curve(path: Path) -> Path:
    """The picture of how the learning went, beside a style."""
    return path.with_name(f"{path.name.removesuffix(SUFFIX)}.curve.png")
