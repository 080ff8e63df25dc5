"""The tab Styles: learn one from a clip, see what it does, and keep the library in order."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from rhapsode.require import require_torch
from rhapsode.studio import style_facts
from rhapsode.studio.http import answer, answer_file, pathless
from rhapsode.studio.jobs import Job
from rhapsode.studio.settings import whole_number
from rhapsode.studio.warnings_heard import heard_warnings
from rhapsode.studio.workspace import Workspace
from rhapsode.style.file import SUFFIX
from rhapsode.style.library import resolve
from rhapsode.style.names import checked_name


def learn(work: Workspace, clip: Path, neutral: Path | None, values: Mapping[str, Any], job: Job) -> dict[str, Any]:
    """Learn a style from a clip; the job's rows are those of the learning curve."""
    from rhapsode.learning.learn import learn_style
    from rhapsode.learning.recipe import TransferRecipe

    recipe = TransferRecipe(steps=whole_number(values, "steps", 600, 1), seed=whole_number(values, "seed", 0, 0))
    with heard_warnings() as heard:
        style = learn_style(
            clip,
            str(values["name"]),
            work.model,
            neutral=neutral,
            license=str(values.get("license", "")),
            recipe=recipe,
            pictures=bool(values.get("pictures")),
            library=work.library,
            progress=job,
            on_check=job.rows.append,
        )
    return {"name": style.name, "warnings": [pathless(one.message, work.scratch) for one in heard]}


def routes(work: Workspace) -> list[Route]:
    """Give the requests of the tab."""

    def clip(_request: Request, path: Path) -> dict[str, Any]:
        return {"id": work.clips.add(path), "name": path.name}

    def start(_request: Request, values: Mapping[str, Any]) -> dict[str, Any]:
        require_torch("learning a style")
        path = work.clips[values.get("clip")]
        neutral = work.clips[values["neutral"]] if values.get("neutral") else None
        work.library.check_free(str(values.get("name", "")))
        return work.jobs.start("style", lambda job: learn(work, path, neutral, values, job)).told()

    def show(request: Request, _values: Mapping[str, Any]) -> dict[str, Any]:
        name = request.path_params["name"]
        return style_facts.facts(work.library.entry(name), work.library.load(name))

    def picture(request: Request, _values: Mapping[str, Any]) -> Response:
        pictures = work.library.load(request.path_params["name"]).pictures
        number = request.path_params["number"]
        if pictures is None or number >= len(pictures):
            return Response(status_code=404)
        shown = cv2.cvtColor(pictures[number], cv2.COLOR_RGB2BGR)
        return Response(cv2.imencode(".png", shown)[1].tobytes(), media_type="image/png")

    def curves(request: Request, values: Mapping[str, Any]) -> dict[str, Any]:
        portrait = work.pictures[values.get("picture")].both()[1]
        voice = work.voices[values.get("voice")]
        style = work.animator.find_style(request.path_params["name"], work.library)
        with work.previewer.turn:
            return style_facts.motion_curves(work.animator, portrait, voice.excerpt(voice.begins), style)

    def mix(_request: Request, values: Mapping[str, Any]) -> dict[str, Any]:
        name = checked_name(str(values.get("name", "")))
        work.library.save(replace(resolve(str(values.get("mixture", "")), work.library), name=name))
        return {"name": name}

    def rename(request: Request, values: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": work.library.rename(request.path_params["name"], str(values.get("name", ""))).stem}

    def delete(request: Request, _values: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": work.library.delete(request.path_params["name"]).stem}

    def imported(_request: Request, path: Path) -> dict[str, Any]:
        return {"name": work.library.import_(path).stem}

    def export(request: Request, _values: Mapping[str, Any]) -> Response:
        name = request.path_params["name"]
        folder = Path(tempfile.mkdtemp(dir=work.scratch))
        return FileResponse(work.library.export(name, folder), filename=f"{name}{SUFFIX}")

    def route(path: str, work: Callable[..., Any], method: str = "POST") -> Route:
        return Route(f"/api/styles{path}", answer(work), methods=[method])

    return [
        Route("/api/clips", answer_file(work.new_folder, clip), methods=["POST"]),
        Route("/api/styles/import", answer_file(work.new_folder, imported), methods=["POST"]),
        route("/learn", start),
        route("/mix", mix),
        route("/{name}", show, "GET"),
        route("/{name}", delete, "DELETE"),
        route("/{name}/pictures/{number:int}", picture, "GET"),
        route("/{name}/export", export, "GET"),
        route("/{name}/curves", curves),
        route("/{name}/rename", rename),
    ]
