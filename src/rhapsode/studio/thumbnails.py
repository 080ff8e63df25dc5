"""Moving thumbnails of styles: one photograph says one sentence in each; made once, kept in the user's cache."""

import hashlib
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cv2
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from rhapsode import __version__
from rhapsode.errors import InstallationError
from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import SAMPLE_RATE, Waveform, resample
from rhapsode.options import AnimationOptions
from rhapsode.portrait import Portrait
from rhapsode.studio.http import answer
from rhapsode.studio.preview import Excerpt, Rehearsed
from rhapsode.studio.warnings_heard import heard_warnings
from rhapsode.studio.workspace import Workspace
from rhapsode.tools.example import example_picture

#: Pixels of a side, frames a second, and seconds.
SIDE, FPS, SECONDS = 144, 15, 1.6
_SENTENCE = "Oh, what a lovely morning."
#: Rows and columns of the photograph that show the face.
_CROP = (slice(30, 222), slice(128, 320))


class Thumbnails:
    """Make them, one at a time."""

    def __init__(self, work: Workspace) -> None:
        """Make them for a workspace."""
        self._work, self._lock = work, threading.Lock()

    def path(self, name: str) -> Path:
        """Give the thumbnail of a style or an expression, made where it is missing; an MP4 without sound.

        Raises:
            InstallationError: the photograph or the voice is not installed.
            StyleError: there is no such style.
        """
        with heard_warnings():
            return self._path(name)

    def _path(self, name: str) -> Path:
        style = self._work.animator.find_style(name, self._work.library)
        known = hashlib.sha256(f"{__version__} {_CROP} {name} {style.provenance}".encode()).hexdigest()[:20]
        path = self._work.cache / f"{known}.mp4"
        with self._lock:
            if not path.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                portrait, excerpt = self._shown()
                options = AnimationOptions(style=style, fps=FPS, head_motion=0.8, seed=3)
                animator = Rehearsed(self._work.animator, excerpt)
                animator.animate(portrait, excerpt.sound, options).save(path, self._stand_back, False)
        return path

    def _stand_back(self, _stage: str, _done: int, _total: int, /) -> None:
        self._work.previewer.let_pass()

    @cache  # noqa: B019  (there is one for a workspace)
    def _shown(self) -> tuple[Portrait, Excerpt]:
        """The photograph, and what it says."""
        picture = cv2.resize(example_picture()[_CROP], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        spoken = resample(synthesise(_SENTENCE), SAMPLE_RATE)
        sound = Waveform(spoken.samples[: round(SECONDS * SAMPLE_RATE)], SAMPLE_RATE)
        return self._work.animator.load_portrait(picture), Excerpt(sound)


def routes(work: Workspace) -> list[Route]:
    """Give the request for a thumbnail."""
    thumbnails = Thumbnails(work)

    def show(request: Request, _values: Mapping[str, Any]) -> Response:
        try:
            return FileResponse(thumbnails.path(request.path_params["name"]))
        except InstallationError:
            return Response(status_code=404)

    return [Route("/api/thumbnails/{name}", answer(show), methods=["GET"])]
