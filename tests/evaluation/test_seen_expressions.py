from pathlib import Path

import cv2
import numpy as np
import pytest

from rhapsode.animator import Animator
from rhapsode.errors import DataError, PortraitError
from rhapsode.evaluation.expression_scores import expression_scores
from rhapsode.evaluation.seen_expressions import FACE, SIZE, SeenStyle, Stage, Viewing, close_up, neutral_units
from rhapsode.face.expression_network import ExpressionNetwork
from rhapsode.face.tracker import FaceTracker
from rhapsode.face.units import UNITS
from rhapsode.media.waveform import Waveform

NEUTRAL = np.full(51, 0.1, np.float32)


@pytest.fixture(scope="module")
def portrait(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("portraits") / "astronaut.png"
    cv2.imwrite(str(path), astronaut[..., ::-1])
    return path


def _change(**units: float) -> np.ndarray:
    each = [max((how for name, how in units.items() if unit.startswith(name)), default=0.0) for unit in UNITS]
    return np.array(each, np.float32)


def _seen(person: str, emotion: str, change: np.ndarray, share: float) -> SeenStyle:
    """Two portraits that show a share of what was asked for at strength 1, and half of that at 0.5."""
    shown = np.stack([[share * how * change] * 2 for how in (0.5, 1.0)])
    return SeenStyle(person, emotion, NEUTRAL + change, (0.5, 1.0), shown)


def test_what_is_shown_of_styles_is_summed_up_by_strength_region_and_emotion() -> None:
    smile, frown = _change(mouthSmile=0.6), _change(browDown=0.6)
    people = [_seen(person, "happy", smile, 0.8) for person in "ab"] + [_seen("a", "fear", frown, 0.8)]
    found = expression_scores(people, NEUTRAL)
    assert found["strengths"]["1"]["slope"] == pytest.approx(0.8, abs=1e-3)
    assert found["strengths"]["0.5"]["slope"] == pytest.approx(0.4, abs=1e-3)
    assert found["strengths"]["1"]["regions"]["brows"] == pytest.approx(0.8, abs=1e-3)
    assert found["strengths"]["1"]["regions"]["jaw"] is None  # nobody was asked for
    assert found["strengths"]["1"]["correlation"] == pytest.approx(1, abs=1e-3)
    assert found["strengths"]["1"]["matched"] == 1 and found["emotions"] == 2 and found["own"] == ["fearful"]
    assert [clip["1"]["slope"] for clip in found["clips"]] == pytest.approx([0.8] * 3, abs=1e-3)


def test_an_emotion_is_named_by_how_other_people_show_it() -> None:
    smile, frown = _change(mouthSmile=0.6), _change(browDown=0.6)
    # One who frowns when happy is named by the others, who smile.
    odd = [_seen("a", "happy", frown, 1.0)]
    usual = [_seen(one, *how, 1.0) for one in "bc" for how in (("happy", smile), ("angry", frown))]
    found = expression_scores(odd + usual, NEUTRAL)
    assert found["strengths"]["1"]["named"] == pytest.approx(8 / 10)
    assert found["real"]["named"] == pytest.approx(4 / 5)
    assert found["strengths"]["1"]["confusion"] == {
        "happy": {"angry": 2, "happy": 4},
        "angry": {"angry": 4, "happy": 0},
    }


def test_a_style_of_strength_0_shows_nothing_and_one_of_strength_1_does(
    portrait: Path, animator: Animator, sentence: Waveform
) -> None:
    stage = Stage(Viewing((portrait,), strengths=(0.0, 1.0)), [Waveform(sentence.samples[:16000], sentence.rate)])
    shown = stage.see(animator.find_style("happy"))
    assert shown.shape == (2, 1, 51)
    assert np.abs(shown[0]).max() < 0.02 < np.abs(shown[1]).max()


def test_a_portrait_is_cut_to_its_face(portrait: Path, tmp_path: Path) -> None:
    with FaceTracker() as tracker:
        cut = close_up(portrait, tracker)
        left, top, right, bottom = tracker.detect(cut)[0].box
    assert cut.shape == (SIZE, SIZE, 3)
    assert max(right - left, bottom - top) == pytest.approx(FACE * SIZE, rel=0.05)
    assert (left + right) / 2 == pytest.approx(SIZE / 2, abs=5)
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((200, 200, 3), 128, np.uint8))
    with pytest.raises(PortraitError, match=r"grey\.png: no face found"), FaceTracker() as tracker:
        close_up(tmp_path / "grey.png", tracker)


def test_neutral_units_come_with_the_network_or_from_neutral_speakers(talking_clip: Path, tmp_path: Path) -> None:
    assert np.array_equal(neutral_units(Viewing(()), []), ExpressionNetwork.load().neutral)
    pytest.importorskip("ai_edge_litert", reason="extra `teacher` is not installed")
    teacher = Path(__file__).parents[3] / "shared" / "teachers" / "face_blendshapes.tflite"
    if not teacher.is_file():
        pytest.skip("the teacher is no part of the project")
    told = neutral_units(Viewing((), teacher), [talking_clip])
    assert told.shape == (51,) and told[UNITS.index("mouthSmileLeft")] > 0.2  # the astronaut smiles
    with pytest.raises(DataError, match="no neutral speaker"):
        neutral_units(Viewing((), teacher), [])
