"""The tab Animate: two seconds at once, the whole as a job, and what was made before."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
from anyio import from_thread
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from rhapsode.media.backdrop import TRANSPARENT
from rhapsode.options import AnimationOptions
from rhapsode.studio import pictures, thumbnails, voices
from rhapsode.studio.http import answer, harmless
from rhapsode.studio.jobs import Job
from rhapsode.studio.pictures import Picture
from rhapsode.studio.settings import command, options_of, size_of
from rhapsode.studio.voices import Voice
from rhapsode.studio.warnings_heard import heard_warnings
from rhapsode.studio.workspace import Workspace

#: What a preview shows where the video is transparent.
_SEEN_THROUGH = "#808080"
#: Side of the still that the history shows, pixels.
_STILL = 320


def make(work: Workspace, picture: Picture, voice: Voice, options: AnimationOptions, size: int | None, job: Job) -> Any:
    """Make a video, and keep it in the history with all that it was made of."""
    portrait, animator = picture.both()[0], work.animator
    with heard_warnings() as heard, work.history.new() as (name, folder, record):
        if size is not None:
            job("portrait", 0, 1)
            number = None if picture.landmarks else portrait.choice.number
            portrait = animator.load_portrait(picture.path, size, number, (), picture.landmarks)
        portrait_file, voice_file = (_kept(one, folder) for one in (picture.path, voice.path))
        landmarks = picture.landmarks and _kept(picture.landmarks, folder)
        background = Path(str(options.background))
        backdrop = _kept(background, folder) if background.is_file() else None
        video = animator.animate(portrait, voice_file, work.styled(options))

        def watch(stage: str, done: int, total: int, /) -> None:
            work.previewer.let_pass()
            job(stage, done, total)

        file = "talk.webm" if options.background == TRANSPARENT else "talk.mp4"  # MP4 has no transparency
        facts = video.save(folder / file, watch)
        measured = portrait.framed(options.aspect_ratio).measured
        still = cv2.cvtColor(_small(measured.image[measured.shown.slices]), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / "still.jpg"), still, [cv2.IMWRITE_JPEG_QUALITY, 88])
        place = work.history.folder / name
        words = {
            "size": size,
            "face": picture.face,
            "landmarks": landmarks and place / landmarks.name,
            "model": None if work.model == "default" else work.model,
        }
        told = options if backdrop is None else replace(options, background=str(place / backdrop.name))
        record |= {
            "file": file,
            "portrait": picture.path.name,
            "voice": voice.text or voice.path.name,
            "options": _as_json(told),
            "size": [video.width, video.height],
            "seconds": round(facts.seconds, 2),
            "bytes": facts.bytes,
            "warnings": [asdict(one) for one in heard],
            "command": command(told, place / portrait_file.name, place / voice_file.name, Path(file), words),
        }
    return record


def _kept(path: Path, folder: Path) -> Path:
    """Copy a file into a folder, beside others of its name."""
    kept = folder / path.name
    if kept.exists():
        kept = folder / f"{path.stem}-{len(list(folder.iterdir()))}{path.suffix}"
    shutil.copyfile(path, kept)
    return kept


def _small(image: Any) -> Any:
    scale = _STILL / max(image.shape[:2])
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _options(work: Workspace, values: Mapping[str, Any]) -> AnimationOptions:
    """Read the options of a request, whose background may be a picture that is open."""
    options, backdrop = options_of(values), values.get("backdrop")
    return replace(options, background=work.clips[backdrop]) if backdrop else options


def _as_json(options: AnimationOptions) -> dict[str, Any]:
    told = asdict(options)
    return told | {"fps": str(options.fps)}


def routes(work: Workspace) -> list[Route]:
    """Give the requests of the tab."""

    def preview(request: Request, values: Mapping[str, Any]) -> Response:
        picture, voice = work.pictures[values.get("picture")], work.voices[values.get("voice")]
        options, start = _options(work, values), values.get("start")
        if options.background == TRANSPARENT:
            options = replace(options, background=_SEEN_THROUGH)
        excerpt = voice.excerpt(voice.begins if start is None else float(start))
        wanted = lambda: not from_thread.run(request.is_disconnected)  # noqa: E731
        made = work.previewer.make(work.animator, picture.both()[1], excerpt, work.styled(options), wanted)
        return Response(made, media_type="video/mp4")

    def start(_request: Request, values: Mapping[str, Any]) -> dict[str, Any]:
        picture, voice = work.pictures[values.get("picture")], work.voices[values.get("voice")]
        options, size = _options(work, values), size_of(values)
        picture.both()
        work.styled(options)  # refused now, not when its turn comes
        return work.jobs.start("video", lambda job: make(work, picture, voice, options, size, job)).told()

    def listed(_request: Request, _values: Mapping[str, Any]) -> dict[str, Any]:
        return {"entries": work.history.entries()}

    def file(request: Request, _values: Mapping[str, Any]) -> Response:
        place = work.history.place(request.path_params["name"])
        path = place / harmless(request.path_params["file"])
        download = f"{place.name}{path.suffix}" if "download" in request.query_params else None
        return FileResponse(path, filename=download) if path.is_file() else Response(status_code=404)

    def delete(request: Request, _values: Mapping[str, Any]) -> dict[str, Any]:
        work.history.delete(request.path_params["name"])
        return {"entries": work.history.entries()}

    return [
        *pictures.routes(work),
        *voices.routes(work),
        *thumbnails.routes(work),
        Route("/api/preview", answer(preview), methods=["POST"]),
        Route("/api/videos", answer(start), methods=["POST"]),
        Route("/api/history", answer(listed), methods=["GET"]),
        Route("/api/history/{name}", answer(delete), methods=["DELETE"]),
        Route("/api/history/{name}/{file}", answer(file), methods=["GET"]),
    ]
