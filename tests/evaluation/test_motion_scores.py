import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from rhapsode.animator import Animator
from rhapsode.data.clips import Clip
from rhapsode.evaluation.baselines import mean_face
from rhapsode.evaluation.clips import RealClip, load_first_model
from rhapsode.evaluation.motion_scores import FIGURES, result, score, score_all, summary
from rhapsode.media.waveform import Waveform
from rhapsode.motion.stream import generate
from rhapsode.style.motion_model import styled_motion_model


def _named(clip: RealClip, name: str) -> RealClip:
    listed = clip.clip
    other = Clip(listed.path, name, listed.speaker, listed.split, listed.style, listed.license)
    return replace(clip, tracked=replace(clip.tracked, clip=other))


def test_the_real_motion_scores_best(clips: list[RealClip]) -> None:
    found = summary([score(lambda sound: clips[1].real, clips[1])])
    assert found["n_clips"] == 1
    assert found["mouth_opening_corr"] == found["opening_std_ratio"] == found["jitter_ratio"] == 1
    assert found["LMD"] == found["D_L"] == found["D_V"] == found["D_A"] == found["av_offset_s"] == 0
    assert found["closures"]["made"] == found["closures"]["real"]
    assert found["closures"]["count"] == 1


def test_late_motion_is_found_late(clips: list[RealClip]) -> None:
    late = score(lambda sound: np.roll(clips[1].real, 6, axis=0), clips[1])
    assert late.offset == pytest.approx(0.1)


def test_a_generator_follows_the_clip_that_was_made_by_another(clips: list[RealClip], animator: Animator) -> None:
    first = partial(generate, styled_motion_model(load_first_model(), animator.head))
    assert score(first, clips[1]).figures["mouth_opening_corr"] > 0.6


def test_a_still_face_has_no_correlation_in_the_json(clips: list[RealClip]) -> None:
    found = result(score_all({"generator": mean_face}, clips[1:]), ["test"])
    assert json.loads(json.dumps(found, allow_nan=False))["mouth_opening_corr"] is None
    assert found["opening_std_ratio"] == 0


def test_the_result_tells_methods_and_corpora_apart(clips: list[RealClip]) -> None:
    def still(sound: Waveform) -> np.ndarray:
        return mean_face(sound)

    scored = [clips[1], _named(clips[1], "expressive/sung/two.mp4"), _named(clips[1], "expressive/sung/three.mp4")]
    found = result(score_all({"generator": lambda sound: clips[1].real, "still": still}, scored), ["test"])
    assert found["split"] == ["test"]
    assert found["n_clips"] == 3
    assert list(found["groups"]) == ["grid", "sung"]
    assert found["groups"]["sung"]["n_clips"] == 2
    assert list(found["baselines"]) == ["still"]
    for part in (found, found["baselines"]["still"], found["baselines"]["still"]["groups"]["sung"]):
        assert {"n_clips", *FIGURES} <= part.keys()
    assert found["LMD"] < found["baselines"]["still"]["LMD"]


def test_clips_without_a_folder_are_one_group(clips: list[RealClip]) -> None:
    assert _named(clips[1], "two.mp4").group == "clips"
