import json
from pathlib import Path

import pytest

from rhapsode.data.store import open_store
from rhapsode.errors import DataError
from rhapsode.metrics.head import blinks, lid_closure
from rhapsode.motion.head import HeadModel
from rhapsode.training.head_motion import HeadMotionRecipe, train


def _recipe(folder: Path, clip: Path, style: str) -> HeadMotionRecipe:
    (folder / "talking.mp4").write_bytes(clip.read_bytes())
    (folder / "clips.csv").write_text(f"path,speaker,split,style,licence\ntalking.mp4,a,train,{style},x\n")
    return HeadMotionRecipe(folder, folder / "run", folder / "store", order=1)


def test_head_motion_is_learnt_from_a_clip(tmp_path: Path, talking_clip: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    weights = train(_recipe(tmp_path, talking_clip, "address"), lambda *stage: seen.append(stage))
    assert HeadModel.load(weights).coefficients.shape == (1, 5, 5)
    assert seen == [("clips", 1, 1)]
    measured = json.loads((weights.parent / "training" / "head_motion" / "blinks.json").read_text())
    assert measured["blinks"] >= 1 and measured["minutes"] > 0


def test_without_address_clips_it_says_so(tmp_path: Path, talking_clip: Path) -> None:
    with pytest.raises(DataError, match="address"):
        train(_recipe(tmp_path, talking_clip, "neutral"))


def test_the_blinks_of_a_clip_are_found(tmp_path: Path, talking_clip: Path) -> None:
    recipe = _recipe(tmp_path, talking_clip, "address")
    (clip,) = open_store(recipe.data, recipe.store).load_all()
    # With seed 0 the astronaut blinks in her sentence, and the tracker sees her lids meet.
    assert len(blinks(lid_closure(clip.landmarks), clip.times)) >= 1
