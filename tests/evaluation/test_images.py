import json
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from rhapsode import cli
from rhapsode.errors import DataError
from rhapsode.evaluation.clips import RealClip
from rhapsode.evaluation.image_scorer import KINDS, mouth_region
from rhapsode.evaluation.images import evaluate_image, summary


def test_means_are_taken_kind_by_kind_over_what_was_measured() -> None:
    rows = [
        {"kind": KINDS, "method": "warp", "mouth_l1": 4.0, "identity": None},
        {"kind": KINDS[1:], "method": "warp", "mouth_l1": 2.0, "identity": 0.9},
        {"kind": KINDS, "method": "full", "mouth_l1": 1.0, "identity": None},
        {"kind": KINDS[1:], "method": "full", "mouth_l1": 1.0, "identity": 0.8},
    ]
    figures = summary(rows)
    assert figures["closed_to_open"]["warp"] == {"mouth_l1": 4.0, "identity": None}
    assert figures["random"]["warp"] == {"mouth_l1": 3.0, "identity": 0.9}
    assert figures["pairs"] == {"closed_to_open": 1, "random": 2}


def test_the_region_of_the_mouth_surrounds_the_lips() -> None:
    regions = np.zeros((64, 64), np.uint8)
    regions[30:40, 20:50] = 2
    assert mouth_region(regions) == (slice(26, 44), slice(16, 54))


@pytest.mark.slow
def test_the_command_scores_every_way_of_painting(
    clips: list[RealClip],
    data_folder: Path,
    clip_store: Path,
    stills_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    faces = tmp_path / "faces"
    copytree(stills_folder, faces)
    listed = (faces / "faces.csv").read_text()
    (faces / "faces.csv").write_text(listed.replace("train", "test"))
    call = ["evaluate", "image", "--data", str(data_folder), "--store", str(clip_store), "--pairs", str(tmp_path)]
    assert cli.main([*call, "--split", "test", "--faces", str(faces), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["speakers"] == 2
    stills = figures["corpora"]["stills"]
    assert stills["pairs"] == {"closed_to_open": 1, "random": 0}, "the smile is asked of the closed lips alone"
    asked = stills["closed_to_open"]
    assert list(asked) == ["warp", "painted", "no_isp", "no_lsp", "full", "no_teeth"]
    assert asked["full"]["inner_mouth_l1"] != asked["no_teeth"]["inner_mouth_l1"], "closed lips are given teeth"
    assert 0 < asked["full"]["inner_mouth_l1"] < 60 and asked["full"]["opening_error"] < 0.05
    for kind in KINDS:
        if not figures["pairs"][kind]:
            continue
        ways = ["warp", "painted", "no_isp", "no_lsp", "full", "no_teeth"]
        # So short a clip may hold no frames apart from those asked for; then nothing is shown.
        assert list(figures[kind]) in (ways, [*ways[:-1], "full_own", ways[-1]])
        for scores in figures[kind].values():
            assert 0 < scores["mouth_l1"] < 60 and 0 < scores["mouth_ssim"] < 1 and scores["opening_error"] < 0.2
    assert figures["pairs"]["random"] > 3


def test_a_split_without_clips_is_refused(
    clips: list[RealClip], data_folder: Path, clip_store: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="no usable clip of split val"):
        evaluate_image(data_folder, clip_store, ["val"], tmp_path)
