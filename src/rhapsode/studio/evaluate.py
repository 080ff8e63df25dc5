"""The tab Evaluate: how near is a made video to a clip of a real speaker who says the same?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.face.landmarks import MOUTH
from rhapsode.face.mouth import lip_opening
from rhapsode.media.reader import read_frames
from rhapsode.metrics.head import head_statistics
from rhapsode.metrics.jitter import jitter_ratio
from rhapsode.metrics.landmarks import lmd, velocity_difference
from rhapsode.metrics.mouth import opening_correlation, opening_spread_ratio, sound_lag
from rhapsode.require import require_torch
from rhapsode.studio.http import answer, harmless, pathless
from rhapsode.studio.jobs import Job
from rhapsode.studio.warnings_heard import heard_warnings
from rhapsode.studio.workspace import Workspace

#: Moments of which both pictures are shown, and their height, pixels.
_MOMENTS, _HEIGHT = 4, 200


def compare(work: Workspace, made: Path, real: Path, job: Job) -> dict[str, Any]:
    """Follow the faces of both and compare their motion, from the beginning to the end of the shorter."""
    from rhapsode.learning.read_clip import read_style_clip
    from rhapsode.learning.style_clip import rotation_at

    with heard_warnings() as heard:
        both = [read_style_clip(path, None, job) for path in (made, real)]
    count = min(len(one.expression) for one in both)
    times = np.arange(count) / MOTION_RATE
    seen = [
        Seen(
            one.expression[:count] + both[1].rest,
            rotation_at(one.clip, times),
            60 * len(one.blink_times) / max(one.seconds, 1e-6),
        )
        for one in both
    ]
    openings = [lip_opening(one.faces) for one in seen]
    moments = _moments(openings[1])
    folder = work.new_folder()
    for name, path in (("made", made), ("real", real)):
        _save_pictures(path, moments, folder, name)
    step = max(1, count // 600)
    return {
        "figures": figures(*seen),
        "times": [round(float(time), 2) for time in times[::step]],
        "made": [round(float(opening), 4) for opening in openings[0][::step]],
        "real": [round(float(opening), 4) for opening in openings[1][::step]],
        "moments": [round(float(time), 2) for time in moments],
        "pictures": folder.name,
        "warnings": [pathless(one.message, work.scratch) for one in heard if one.code != "short-clip"],
    }


@dataclass(frozen=True)
class Seen:
    """What was seen of a person.

    Attributes:
        faces: (T, 68, 3) canonical landmarks, 60 a second.
        rotation: (T, 3) rotation vectors of the head, radians.
        blinks: a minute.
    """

    faces: np.ndarray
    rotation: np.ndarray
    blinks: float


def figures(made: Seen, real: Seen) -> list[dict[str, Any]]:
    """Give each figure with what it means and what would be best."""
    ours, theirs = made.faces, real.faces
    heads = [head_statistics(one.rotation, MOTION_RATE).spread for one in (made, real)]
    rows: list[tuple[str, float, str, str]] = [
        ("Mouth in step", opening_correlation(ours, theirs), "correlation of the openings", "1"),
        ("Mouth width", opening_spread_ratio(ours, theirs), "how far it opens, times the clip's", "1"),
        ("Mouth late by", 1000 * sound_lag(ours, theirs, MOTION_RATE)[0], "milliseconds", "0"),
        ("Distance (LMD)", lmd(ours, theirs), "of the mouth's landmarks, eye distances", "0"),
        ("Speed (D-V)", velocity_difference(ours, theirs), "difference of the landmarks' speeds", "0"),
        ("Jitter", jitter_ratio(ours[:, MOUTH], theirs[:, MOUTH], MOTION_RATE), "times the clip's", "at most 1"),
    ]
    for name, own, other in zip(("nods", "turns", "tilts"), *heads, strict=True):
        rows.append((f"Head {name}", own, "degrees around the mean", f"{other:.1f}, as the clip"))
    rows.append(("Blinks", made.blinks, "a minute", f"{real.blinks:.0f}, as the clip"))
    return [
        {"name": name, "value": round(float(value), 3) if np.isfinite(value) else None, "means": means, "best": best}
        for name, value, means, best in rows
    ]


def _moments(opening: np.ndarray) -> np.ndarray:
    """Choose times, seconds, at which a mouth is open as far as in a fourth of the sound it is at most."""
    parts = np.array_split(np.arange(len(opening)), _MOMENTS)
    return np.array([part[opening[part].argmax()] for part in parts if len(part)]) / MOTION_RATE


def _save_pictures(path: Path, moments: np.ndarray, folder: Path, name: str) -> None:
    """Keep the frames nearest after some times, as name-0.jpg..."""
    wanted = list(enumerate(moments))
    for time, frame in read_frames(path):
        while wanted and time >= wanted[0][1] - 1e-3:
            scale = _HEIGHT / frame.shape[0]
            small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(folder / f"{name}-{wanted.pop(0)[0]}.jpg"), cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        if not wanted:
            return


def routes(work: Workspace) -> list[Route]:
    """Give the requests of the tab."""

    def start(_request: Request, values: Mapping[str, Any]) -> dict[str, Any]:
        require_torch("evaluating")
        real = work.clips[values.get("clip")]
        if values.get("result"):
            made = work.history.place(str(values["result"])) / work.history.record(str(values["result"]))["file"]
        else:
            made = work.clips[values.get("made")]
        return work.jobs.start("evaluation", lambda job: compare(work, made, real, job)).told()

    def picture(request: Request, _values: Mapping[str, Any]) -> Response:
        path = work.scratch / harmless(request.path_params["folder"]) / harmless(request.path_params["file"])
        return FileResponse(path) if path.suffix == ".jpg" and path.is_file() else Response(status_code=404)

    return [
        Route("/api/evaluations", answer(start), methods=["POST"]),
        Route("/api/evaluations/{folder}/{file}", answer(picture), methods=["GET"]),
    ]
