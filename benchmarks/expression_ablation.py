"""Leave out what a style does to a face, one thing at a time, and see what portraits then show of its clip.

    python benchmarks/expression_ablation.py --data STORE --clips NAME... --portraits FOLDER \\
        --expression-teacher face_blendshapes.tflite --out ablation.json

`published` is the style of equations (1) to (4) alone: f sees single frames, no coverage, nothing lasts. Styles are at
strength 1, as the clip has them; figures are those of `rhapsode evaluate style --portraits`, over the clips together.
"""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np

from rhapsode.data.store import ClipStore, open_store
from rhapsode.evaluation.expression_scores import scores
from rhapsode.evaluation.seen_expressions import Stage, Viewing, neutral_units
from rhapsode.evaluation.styles import driving_clips, neutral_clips
from rhapsode.face.units import AT_REST
from rhapsode.learning.base import BaseModels
from rhapsode.learning.learn import transfer_style
from rhapsode.learning.recipe import TransferRecipe
from rhapsode.learning.style_clip import StyleClip
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.metrics.expression import REGIONS, units_of
from rhapsode.motion import motion
from rhapsode.motion.lids import moved_lids
from rhapsode.render.furrows import Furrows
from rhapsode.render.rig import FaceRig
from rhapsode.style.style import Style

_pose = FaceRig.pose


def _without_furrows(furrows: Furrows, units: np.ndarray) -> None:
    return None


def _with_still_lids(closure: np.ndarray, units: np.ndarray = AT_REST) -> np.ndarray:
    return moved_lids(closure)


def _by_landmarks(rig: FaceRig, offsets: np.ndarray, units: np.ndarray = AT_REST):
    return _pose(rig, offsets)


#: What is left out of the drawing.
_DRAWN = {
    "furrows": lambda: patch.object(Furrows, "factors", _without_furrows),
    "lids of the expression": lambda: patch.object(motion, "moved_lids", _with_still_lids),
    "basis beyond the 68 landmarks": lambda: patch.object(FaceRig, "pose", _by_landmarks),
}


@contextmanager
def _left_out(what: str) -> Iterator[None]:
    with _DRAWN[what]():
        yield


def _without(style: Style, region: str) -> Style:
    """Leave out what lasts in a region."""
    units, response = style.units.copy(), style.response.copy()
    units[units_of(region)], response[:, units_of(region)] = 0, 0
    return replace(style, units=units, response=response)


def _seen(stage: Stage, style: Style, published: Style) -> Iterator[tuple[str, np.ndarray]]:
    """Give by its name what each variant of a style shows, (P, 51)."""
    yield "whole", stage.see(style)[0]
    nothing = {"units": AT_REST, "response": np.zeros_like(style.response)}
    yield "no lasting expression", stage.see(replace(style, **nothing))[0]
    yield "published", stage.see(replace(published, **nothing))[0]
    for region in REGIONS:
        if np.abs(style.units[units_of(region)]).max() > 0:
            yield f"nothing lasting: {region}", stage.see(_without(style, region))[0]
    for what in _DRAWN:
        with _left_out(what):
            yield f"no {what}", stage.see(style)[0]


def main() -> None:
    """Parse the arguments, and fill the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="prepared store")
    parser.add_argument("--clips", nargs="+", required=True, help="names of style clips")
    parser.add_argument("--portraits", type=Path, required=True, help="folder of pictures")
    parser.add_argument("--expression-teacher", type=Path, help="the network that ships by default")
    parser.add_argument("--out", type=Path, required=True, help="table, JSON")
    options = parser.parse_args()
    store, base = open_store(options.data, options.data), BaseModels.load()
    viewing = Viewing(tuple(sorted(options.portraits.iterdir())), options.expression_teacher, (1.0,))
    entries = {entry.name: entry for entry in store.kept}
    at_rest = neutral_units(viewing, neutral_clips(store))
    drivers = [ClipStore(options.data, [entry]).load(entry) for entry in driving_clips(store)[:3]]
    stage = Stage(viewing, [Waveform(clip.samples, SAMPLE_RATE) for clip in drivers])
    asked: dict[str, list[np.ndarray]] = {}
    shown: dict[str, list[np.ndarray]] = {}
    for name in options.clips:
        entry = entries[name]
        clip = StyleClip.from_prepared(ClipStore(options.data, [entry]).load(entry))
        style = transfer_style(clip, base, name)
        published = transfer_style(clip, base, name, TransferRecipe(form="paper", coverage=0.0))
        wanted = stage.read_clip(entry.clip.path) - at_rest
        for variant, seen in _seen(stage, style, published):
            shown.setdefault(variant, []).append(seen)
            asked.setdefault(variant, []).append(np.broadcast_to(wanted, seen.shape))
        rows = {variant: scores(np.concatenate(asked[variant]), np.concatenate(shown[variant])) for variant in shown}
        options.out.write_text(json.dumps(rows, indent=1) + "\n")
        for variant, row in rows.items():
            print(name, variant, row, flush=True)


if __name__ == "__main__":
    main()
