"""The style library: the user's own styles in a folder, and the styles that come with the package."""

import difflib
import re
import shutil
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

from rhapsode.bundle import Bundle
from rhapsode.errors import StyleError
from rhapsode.files import atomic_path
from rhapsode.places import check_writable, user_folder
from rhapsode.style.expressions import expression_names, expression_style, is_expression
from rhapsode.style.file import SUFFIX
from rhapsode.style.names import checked_name, mixture_weights
from rhapsode.style.style import Style, blend

#: Names have no dots, and weights no letters.
_FILE_ENDING = re.compile(r"\.\w*[a-zA-Z]\w*$")


@dataclass(frozen=True)
class Entry:
    """A style of a library, not loaded.

    Attributes:
        name: name of its file without the ending.
        path: the file.
        shipped: whether it comes with the package.
    """

    name: str
    path: Path
    shipped: bool


class StyleLibrary:
    """Styles by name. The user's own hide shipped ones of the same name, and only they can be changed.

    Names are compared letter by letter, capitals included.
    """

    def __init__(self, folder: Path | None = None, shipped: Path | None = None) -> None:
        """Open two folders, either of which may be missing.

        Args:
            folder: the user's own styles, `user_library()` by default; made when the first one is saved. Where there is
                none, since the user has no home folder, the library has only shipped ones.
            shipped: styles of a model (`Bundle.styles`), those of the package by default.
        """
        self._folder = user_library() if folder is None else folder
        self._shipped = Bundle.load().styles if shipped is None else shipped

    @property
    def folder(self) -> Path:
        """Give the folder of the user's own styles; it may not exist yet.

        Raises:
            StyleError: the library has none, since the user has no home folder.
        """
        if self._folder is None:
            raise StyleError("there is no home folder to keep styles in", "name a folder", "library-not-writable")
        return self._folder

    @property
    def shipped_only(self) -> bool:
        """Tell whether there is no folder for styles of the user's own."""
        return self._folder is None

    def entries(self) -> list[Entry]:
        """List every style by name. No file is read, so one may turn out to be damaged."""
        found = {}
        for folder in (self._shipped, self._folder):
            if folder is None:
                continue
            for path in folder.glob(f"*{SUFFIX}"):
                # Some file systems keep names decomposed.
                name = unicodedata.normalize("NFC", path.name.removesuffix(SUFFIX))
                if not name.startswith("."):
                    found[name] = Entry(name, path, folder is self._shipped)
        return sorted(found.values(), key=lambda entry: entry.name)

    def entry(self, name: str) -> Entry:
        """Find a style.

        Raises:
            StyleError: if there is none of that name; the remedy lists names that are spelt like it.
        """
        entries = {entry.name: entry for entry in self.entries()}
        wanted = unicodedata.normalize("NFC", name)
        if wanted not in entries:
            near = " or ".join(repr(one) for one in _similar(wanted, [*entries, *expression_names()]))
            remedy = f"did you mean {near}?" if near else "choose a name from the list of styles"
            own = "" if self._folder is None else f"in {self._folder} or "
            raise StyleError(f"no style {name!r} {own}among the shipped ones", remedy, "no-such-style")
        return entries[wanted]

    def path(self, name: str) -> Path:
        """Find the file of a style.

        Raises:
            StyleError: if there is none of that name.
        """
        return self.entry(name).path

    def load(self, name: str) -> Style:
        """Read a style; its name becomes that of its file.

        Raises:
            StyleError: if there is none of that name, or its file is damaged.
        """
        entry = self.entry(name)
        return replace(Style.load(entry.path), name=entry.name)

    def check_free(self, name: str, overwrite: bool = False) -> Path:
        """Check that a style could be saved under a name; nothing is made or changed.

        Returns:
            The file that it would have.

        Raises:
            StyleError: if the name is not allowed or taken, or the folder cannot be written to.
        """
        path = self._own_path(name)
        if path.exists() and not overwrite:
            raise StyleError(f"{path}: there is already a style of that name", "choose another name", "style-exists")
        try:
            check_writable(next(folder for folder in path.parents if folder.exists()))
        except OSError as error:
            raise self._not_writable(error) from None
        return path

    def save(self, style: Style, overwrite: bool = False) -> Path:
        """Keep a style among the user's own, under its name; it may have the name of a shipped one.

        Args:
            style: the style.
            overwrite: whether it may replace one of the user's.

        Returns:
            The file.

        Raises:
            StyleError: if its name is not allowed or taken, or the folder cannot be written to.
        """
        path = self.check_free(style.name, overwrite)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._not_writable(error) from None
        replace(style, name=path.name.removesuffix(SUFFIX)).save(path)
        _curve(path).unlink(missing_ok=True)  # it shows how the replaced style was learnt
        return path

    def rename(self, old: str, new: str) -> Path:
        """Rename a style of the user's, in its file too, together with its learning curve.

        Returns:
            The file.

        Raises:
            StyleError: if there is none of the old name, it is shipped or damaged, or the new name is taken or not
                allowed.
        """
        before = self._changeable(old)
        after = self._own_path(new)
        if after.exists():
            raise StyleError(
                f"{after}: there is already a style of that name", "choose another, or delete it first", "name-taken"
            )
        replace(Style.load(before), name=after.name.removesuffix(SUFFIX)).save(after)
        if _curve(before).exists():
            _curve(before).replace(_curve(after))
        before.unlink()
        return after

    def delete(self, name: str) -> Path:
        """Delete a style of the user's and its learning curve.

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
            path: the file to write, or an existing folder to write it into.

        Returns:
            The file.

        Raises:
            StyleError: if there is no such style, it is damaged, or the file exists or cannot be a style's.
        """
        source = self.path(name)
        target = path / f"{name}{SUFFIX}" if path.is_dir() else path
        if target.suffix != SUFFIX:
            raise StyleError(f"{target}: not the name of a style file", f"let it end in {SUFFIX}", "bad-path")
        if target.exists():
            raise StyleError(f"{target}: exists", "choose another file, or delete it first", "file-exists")
        if not target.parent.is_dir():
            raise StyleError(f"{target}: there is no folder {str(target.parent)!r}", "create it first", "no-folder")
        Style.load(source)
        with atomic_path(target) as partial:
            shutil.copyfile(source, partial)
        return target

    def import_(self, path: Path, name: str | None = None, overwrite: bool = False) -> Path:
        """Check a style file, and keep it among the user's own styles.

        Args:
            path: the file.
            name: name to keep it under; the name in the file by default.
            overwrite: whether it may replace one of the user's.

        Returns:
            The file in the library.

        Raises:
            StyleError: if the file is no style, or the name is not allowed or taken.
        """
        style = Style.load(path)
        return self.save(style if name is None else replace(style, name=name), overwrite)

    def _changeable(self, name: str) -> Path:
        entry = self.entry(name)
        if entry.shipped:
            raise StyleError(
                f"style {name!r}: comes with rhapsode and cannot be changed",
                "copy it under a name of your own first",
                "shipped-style",
            )
        return entry.path

    def _own_path(self, name: str) -> Path:
        return self.folder / f"{checked_name(name)}{SUFFIX}"

    def _not_writable(self, error: OSError) -> StyleError:
        reason = (error.strerror or str(error)).lower()
        return StyleError(f"{self.folder}: not writable ({reason})", "choose another folder", "library-not-writable")


def user_library() -> Path | None:
    """Give the folder of the user's own styles; it may not exist yet. None where the user has no home folder."""
    folder = user_folder("data")
    return None if folder is None else folder / "styles"


def resolve(text: str, library: StyleLibrary) -> Style:
    """Find the style that a user means.

    Args:
        text: a file ending in .safetensors; a name of the library or of an expression (`style.expressions`), the
            library's first; or a mixture such as "ballad*0.6+angry*0.4+smile*0.5", in which learnt styles have weights
            that add up to 1 at most, and expressions are added; without weights, all learnt ones have the same.
        library: where names are looked up.

    Returns:
        The style as it is in the file or the library, or the mixture, named `text`.

    Raises:
        StyleError: if it is not understood, there is no such file or style, or it cannot be read.
    """
    path = Path(text)
    if text.endswith(SUFFIX):
        return Style.load(path)
    if len(path.parts) > 1 or _FILE_ENDING.search(text) or path.is_file():
        raise StyleError(
            f"{text}: neither a style file nor a video that can be read", "check the path", "no-such-style"
        )
    known = {entry.name for entry in library.entries()}

    def is_added(name: str) -> bool:
        return name not in known and is_expression(name)

    weights = mixture_weights(text, is_added)
    parts = [(expression_style(name) if is_added(name) else library.load(name), weight) for name, weight in weights]
    return parts[0][0] if len(parts) == 1 and parts[0][1] == 1 else blend(parts, text)


def _similar(name: str, names: list[str]) -> list[str]:
    """Choose up to three names that are spelt like one, whatever their capitals."""
    near = difflib.get_close_matches(name.casefold(), [one.casefold() for one in names], 3)
    return [one for folded in dict.fromkeys(near) for one in names if one.casefold() == folded][:3]


def _curve(path: Path) -> Path:
    """Give the path of the picture of the learning curve, beside a style."""
    return path.with_name(f"{path.name.removesuffix(SUFFIX)}.curve.png")
