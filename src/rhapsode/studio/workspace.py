"""What the studio holds while it runs: the models, what the page has opened, and the folders."""

import secrets
import tempfile
import threading
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhapsode.animator import Animator
from rhapsode.errors import InstallationError
from rhapsode.options import AnimationOptions
from rhapsode.places import user_folder
from rhapsode.studio.face_stream import FaceStream
from rhapsode.studio.history import History
from rhapsode.studio.jobs import Jobs
from rhapsode.studio.opened import Opened
from rhapsode.studio.preview import Previewer
from rhapsode.style.library import StyleLibrary

if TYPE_CHECKING:
    from rhapsode.studio.pictures import Picture
    from rhapsode.studio.voices import Voice


class Workspace:
    """Everything that requests share. One user's; any number of threads may use it.

    Attributes:
        data: the studio's folder among the user's data: history, and whether the first page was read.
        cache: the studio's folder among the user's caches.
        pictures, voices, clips: what the page has opened.
        previewer: makes previews.
        face: shows the live face to other programs.
        jobs: long work.
        history: finished videos.
        library: styles.
    """

    def __init__(self, data: Path | None = None, library: Path | None = None, model: str = "default") -> None:
        """Open the folders; models load when they are first needed.

        Args:
            data: keeps the history; the user's data folder where None.
            library: keeps styles; the user's where None.
            model: a model folder, or "default".

        Raises:
            InstallationError: the user has no home folder, and none was named.
        """
        home = user_folder("data")
        if data is None and home is None:
            raise InstallationError("there is no home folder to keep videos in", "name one with --data", "no-home")
        self.data = data or Path(str(home)) / "studio"
        self._scratch = tempfile.TemporaryDirectory(prefix="rhapsode-studio-")
        self.scratch = Path(self._scratch.name)
        cache = user_folder("cache")
        self.cache = self.scratch if cache is None else cache / "studio"
        self._model, self._own_library = model, library
        self.jobs, self.history = Jobs(), History(self.data / "history")
        self.pictures: Opened[Picture] = Opened("picture")
        self.voices: Opened[Voice] = Opened("voice")
        self.clips: Opened[Path] = Opened("clip")
        self.previewer, self.face = Previewer(), FaceStream()
        self._loading = threading.Lock()

    @cached_property
    def _animator(self) -> Animator:
        return Animator.from_pretrained(self._model)

    @property
    def animator(self) -> Animator:
        """Give the models."""
        with self._loading:
            return self._animator

    @property
    def library(self) -> StyleLibrary:
        """Give the user's styles and those of the model."""
        return StyleLibrary(self._own_library, self.animator.bundle.styles)

    @property
    def model(self) -> str:
        """Give the name of the model, as `Animator.from_pretrained` takes it."""
        return self._model

    def styled(self, options: AnimationOptions) -> AnimationOptions:
        """Give options whose style, if any, was found in this workspace's library.

        Raises:
            StyleError: there is no such style.
        """
        if options.style is None:
            return options
        return replace(options, style=self.animator.find_style(options.style, self.library))

    def new_folder(self) -> Path:
        """Make a folder for a file that the page sends; it is gone when the studio ends."""
        folder = self.scratch / secrets.token_hex(6)
        folder.mkdir()
        return folder

    def style_facts(self) -> list[dict[str, Any]]:
        """List the styles for the page."""
        return [{"name": one.name, "shipped": one.shipped} for one in self.library.entries()]

    def close(self) -> None:
        """Stop the work, and delete what was opened."""
        self.jobs.close()
        self._scratch.cleanup()
