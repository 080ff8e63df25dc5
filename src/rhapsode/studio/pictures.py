"""Pictures that the page opens: their faces, what the tracker sees of the one that speaks, and its warnings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rhapsode.errors import OptionsError, PortraitError
from rhapsode.face.face import Face
from rhapsode.face.texture import triangles
from rhapsode.media.picture import read_picture
from rhapsode.portrait import Portrait
from rhapsode.studio.http import answer, answer_file, in_words
from rhapsode.studio.preview import small_size
from rhapsode.studio.warnings_heard import Heard, heard_warnings
from rhapsode.studio.workspace import Workspace

#: Points that a user clicks, in this order; left and right are those of the viewer, which the library sorts out.
CLICKS = ("eyes", "eyes", "nose", "mouth", "mouth")


@dataclass(frozen=True)
class Picture:
    """A picture, and which face of it speaks.

    Attributes:
        path: the file.
        face: number of the face, as `Animator.load_portrait` takes it.
        landmarks: JSON file of five points that were clicked.
        portrait: at its own size, measured; None while no face is found.
        small: the same, at the size of a preview.
        shown: (H, W, 3) uint8 RGB, the picture as the page shows it.
        warnings: of the tracker.
        error: why there is no portrait, in words.
    """

    path: Path
    shown: np.ndarray
    face: int | None = None
    landmarks: Path | None = None
    portrait: Portrait | None = None
    small: Portrait | None = None
    warnings: tuple[Heard, ...] = ()
    error: Mapping[str, str] | None = None

    def both(self) -> tuple[Portrait, Portrait]:
        """Give the portrait at its own size and at that of a preview.

        Raises:
            PortraitError: no face was found.
        """
        if self.portrait is None or self.small is None:
            raise PortraitError("the picture: shows no face yet", "set five points on it", "no-face")
        return self.portrait, self.small


def look_at(work: Workspace, picture: Picture) -> Picture:
    """Find the faces of a picture and measure the one that speaks; what goes wrong is told in `error`."""
    with heard_warnings() as heard:
        try:
            portrait = work.animator.load_portrait(picture.path, None, picture.face, (), picture.landmarks)
        except PortraitError as error:
            if error.code not in ("no-face", "small-face"):
                raise
            told = in_words(error, work.scratch)
            return replace(picture, portrait=None, small=None, warnings=(), error=told)
    kept = tuple(one for one in heard if one.code != "several-faces")
    with heard_warnings():  # of a small picture: they are not the user's
        number = None if picture.landmarks else portrait.choice.number
        small = work.animator.load_portrait(picture.path, small_size(portrait), number, (), picture.landmarks)
    shown = portrait.measured.image
    return replace(picture, portrait=portrait, small=small, shown=shown, warnings=kept, error=None)


def facts(name: str, picture: Picture, scratch: Path) -> dict[str, Any]:
    """Tell the page of a picture; places are shares of its width and height."""
    height, width = picture.shown.shape[:2]
    size, faces, seen = np.array([width, height]), [], None
    if picture.portrait is not None:
        choice = picture.portrait.choice
        for number, face in enumerate(choice.faces, 1):
            box = np.array(face.box).reshape(2, 2) / size
            faces.append({"number": number, "box": _rounded(box.ravel()), "place": choice.position(number)})
        seen = _seen(picture.portrait.measured.face, size) | {"number": choice.number}
    warnings = [
        {"message": one.message.replace(f"{picture.path.parent}/", ""), "code": one.code} for one in picture.warnings
    ]
    return {
        "id": name, "name": picture.path.name, "width": width, "height": height, "faces": faces, "seen": seen,
        "warnings": warnings, "error": picture.error,
    }  # fmt: skip


def _seen(face: Face, size: np.ndarray) -> dict[str, Any]:
    """Give what the tracker sees: the mesh and its triangles, the 68 landmarks."""
    return {
        "mesh": _rounded((face.mesh[:, :2] / size).ravel()),
        "triangles": triangles().ravel().tolist(),
        "landmarks": _rounded((face.landmarks[:, :2] / size).ravel()),
        "measured": face.measured,
        "eye_distance": round(face.eye_distance),
    }


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), 5) for value in values]


def _points(values: Mapping[str, Any], picture: Picture) -> dict[str, Any]:
    """Turn five clicks, shares of width and height, into what `--landmarks` takes."""
    clicks = values.get("points")
    if not isinstance(clicks, list) or len(clicks) != len(CLICKS):
        raise OptionsError(
            "the five points: are not five", "click both eyes, the nose, both mouth corners", "bad-landmarks"
        )
    width, height = read_picture(picture.path).own_size
    placed = [[round(float(x) * width, 1), round(float(y) * height, 1)] for x, y in clicks]
    return {"eyes": placed[:2], "nose": placed[2], "mouth": placed[3:]}


def routes(work: Workspace) -> list[Route]:
    """Give the requests that open pictures and choose faces."""

    def opened(_request: Request, path: Path) -> dict[str, Any]:
        try:
            shown = read_picture(path).image
        except PortraitError as error:
            if error.code != "unknown-format":  # a video, whose best frame is taken
                raise
            shown = np.zeros((1, 1, 3), np.uint8)
        picture = look_at(work, Picture(path, shown))
        if picture.portrait is None and shown.size == 3:
            raise PortraitError(f"{path.name}: no frame shows a face from the front", "choose another", "no-face")
        return facts(work.pictures.add(picture), picture, work.scratch)

    def choose(request: Request, values: Mapping[str, Any]) -> dict[str, Any]:
        name = request.path_params["name"]
        picture = replace(work.pictures[name], face=None, landmarks=None)
        if values.get("points"):
            file = picture.path.with_name("landmarks.json")
            file.write_text(json.dumps(_points(values, picture)), encoding="utf-8")
            picture = replace(picture, landmarks=file)
        elif values.get("face"):
            picture = replace(picture, face=int(values["face"]))
        picture = look_at(work, picture)
        work.pictures.replace(name, picture)
        return facts(name, picture, work.scratch)

    def show(request: Request, _values: Mapping[str, Any]) -> Response:
        shown = cv2.cvtColor(work.pictures[request.path_params["name"]].shown, cv2.COLOR_RGB2BGR)
        return Response(
            cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes(), media_type="image/jpeg"
        )

    return [
        Route("/api/pictures", answer_file(work.new_folder, opened), methods=["POST"]),
        Route("/api/pictures/{name}", answer(show), methods=["GET"]),
        Route("/api/pictures/{name}/face", answer(choose), methods=["POST"]),
    ]
