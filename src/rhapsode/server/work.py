"""What a job asks of a worker, and how it is done."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhapsode.options import AnimationOptions
from rhapsode.progress import Progress
from rhapsode.server.tables import ANIMATE, LEARN
from rhapsode.style.library import StyleLibrary

if TYPE_CHECKING:
    from rhapsode.animator import Animator

#: Makes the animator of a worker, once.
Models = Callable[[], "Animator"]


def animate(work: dict[str, Any], models: Models, progress: Progress) -> dict[str, Any]:
    """Make a video.

    Args:
        work: `portrait`, `audio` and `out`, files; `size` and `face` or None; `options` for `AnimationOptions`;
            `styles`, folder of the owner's styles.
        models: gives the animator.
        progress: watches.

    Returns:
        The facts of the video.

    Raises:
        RhapsodeError: as `Animator.animate` and `Video.save`.
    """
    progress("models", 0, 0)
    animator = models()
    asked = dict(work["options"])
    if asked.get("style") is not None:
        asked["style"] = animator.find_style(asked["style"], StyleLibrary(Path(work["styles"]), animator.bundle.styles))
    options = AnimationOptions(**asked)
    progress("portrait", 0, 0)
    portrait = animator.load_portrait(Path(work["portrait"]), work["size"], work["face"])
    out = Path(work["out"])
    video = animator.animate(portrait, Path(work["audio"]), options)
    facts = video.save(out, progress, work["credentials"])
    return {
        "width": video.width,
        "height": video.height,
        "frames": facts.frames,
        "fps": str(facts.fps),
        "seconds": round(facts.seconds, 3),
        "voice_seconds": facts.voice_seconds,
        **_kept(out),
    }


def learn(work: dict[str, Any], models: Models, progress: Progress) -> dict[str, Any]:
    """Learn a style.

    Args:
        work: `clip`, a file; `name` and `license`; `steps` at most; `model`; `styles`, folder of the owner's styles;
            `overwrite`.
        models: not needed.
        progress: watches.

    Raises:
        RhapsodeError: as `learn_style`.
    """
    from rhapsode.learning.learn import learn_style  # PyTorch, which animating does without
    from rhapsode.learning.recipe import TransferRecipe

    library = StyleLibrary(Path(work["styles"]))
    style = learn_style(
        Path(work["clip"]),
        work["name"],
        work["model"],
        license=work["license"],
        recipe=TransferRecipe(steps=work["steps"]),
        library=library,
        overwrite=work["overwrite"],
        progress=progress,
    )
    best = max(style.provenance["curve"], key=lambda row: row["score"])
    return {
        "style": style.name,
        "clip_seconds": style.provenance["seconds"],
        "lip_sync": best["lip_sync"],
        "distance": best["distance"],
    }


def _kept(path: Path) -> dict[str, Any]:
    """Make sure that a file is on the disk before anybody is told of it, and describe it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.sha256()
        while piece := file.read(1 << 20):
            digest.update(piece)
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": digest.hexdigest()}


KINDS = {ANIMATE: animate, LEARN: learn}
