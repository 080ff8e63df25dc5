from pathlib import Path

import numpy as np
import pytest

from rhapsode.errors import DataError
from rhapsode.metrics.closure import are_closed, closure_times

RATE = 60


def _table(folder: Path, text: str) -> Path:
    path = folder / "words.align"
    path.write_text(text)
    return path


def test_words_that_begin_with_b_p_or_m_close_the_lips_at_their_start(tmp_path: Path) -> None:
    table = _table(tmp_path, "0 25000 sil\n25000 37500 bin\n37500 50000 blue\n50000 62500 at\n62500 75000 p\n")
    assert closure_times(table) == [1.0, 1.5, 2.5]


def test_the_letter_m_closes_them_at_its_end(tmp_path: Path) -> None:
    assert closure_times(_table(tmp_path, "25000 50000 m\n")) == [pytest.approx(1.95)]


def test_spaces_and_empty_lines_do_not_matter(tmp_path: Path) -> None:
    assert closure_times(_table(tmp_path, "0  25000   sil \n\n 25000\t37500  by\n")) == [1.0]


def test_what_is_no_table_of_words_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"words\.align.*restore it") as refusal:
        closure_times(_table(tmp_path, "one two\n"))
    assert "\n" not in str(refusal.value)


def test_lips_that_meet_near_the_time_are_closed() -> None:
    openings = np.full(120, 0.1)
    openings[62] = 0.0
    assert are_closed(openings, [0.5, 1.0, 1.2], RATE) == [False, True, False]


def test_a_time_beyond_the_motion_is_not_closed() -> None:
    assert are_closed(np.zeros(60), [0.0, 5.0], RATE) == [True, False]
