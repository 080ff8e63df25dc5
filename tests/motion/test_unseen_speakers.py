"""The shipped generator against people it has never heard; needs the clips beside the project."""

from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest

from rhapsode.data.clips import read_clips
from rhapsode.data.prepare import prepare
from rhapsode.data.store import ClipStore
from rhapsode.motion.generator import MotionGenerator
from rhapsode.training.motion_generator import evaluate

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "clips.csv").is_file(), reason="the clips of ../shared/data are not here")
def test_lips_follow_speakers_never_heard(tmp_path: Path) -> None:
    unseen = [clip for clip in read_clips(DATA) if clip.corpus == "grid" and clip.split == "test"]
    store = ClipStore(tmp_path, prepare(unseen[::4], tmp_path).kept)
    clips = [store.load(entry) for entry in store.kept]
    with as_file(files("rhapsode.weights") / "motion_generator.safetensors") as path:
        scores = evaluate(MotionGenerator.load(path), clips, {}).values()
    assert len(scores) == 11
    assert np.mean([score["mouth_opening_corr"] for score in scores]) > 0.73
    assert 0.8 < np.median([score["opening_std_ratio"] for score in scores]) < 1.3
