"""Models and portraits that live sessions share."""

import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rhapsode.server.live.start import Start
from rhapsode.style.library import StyleLibrary

if TYPE_CHECKING:
    from rhapsode.animator import Animator
    from rhapsode.portrait import Portrait
    from rhapsode.session import Session

#: Portraits that are kept open: 20 MB each at 512 px.
_OPEN = 4


class Stage:
    """Open sessions; the models are loaded for the first one."""

    def __init__(self, model: str) -> None:
        """Begin with nothing loaded."""
        self._model = model
        self._animator: Animator | None = None
        self._portraits: OrderedDict[tuple[Path, int | None, int | None], Portrait] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, start: Start, picture: Path, library: StyleLibrary, rate: int, channels: int) -> "Session":
        """Open a session.

        Args:
            start: what it is to be.
            picture: of the portrait.
            library: styles that may be named.
            rate: samples a second of the sound.
            channels: of the sound.

        Raises:
            OptionsError, PortraitError, StyleError: as `Animator.start_session`.
        """
        options = start.animation()
        with self._lock:
            animator = self._animator = self._animator or self._load()
            portrait = self._portrait(animator, (picture, start.size, start.face))
        if start.options.get("style") is not None:
            options = replace(options, style=animator.find_style(start.options["style"], library))
        return animator.start_session(portrait, options, rate, channels)

    def _load(self) -> "Animator":
        from rhapsode.animator import Animator

        return Animator.from_pretrained(self._model, threads=1)

    def _portrait(self, animator: "Animator", key: tuple[Path, int | None, int | None]) -> "Portrait":
        found = self._portraits.pop(key, None) or animator.load_portrait(*key)
        self._portraits[key] = found
        while len(self._portraits) > _OPEN:
            self._portraits.popitem(last=False)
        return found
