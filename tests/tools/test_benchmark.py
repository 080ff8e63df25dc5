"""The benchmark gives every figure, as a table, as JSON, and as a line of history."""

import json
from pathlib import Path

import pytest

from rhapsode import cli
from rhapsode.cli.bench import ROWS


@pytest.mark.slow
def test_every_figure_is_measured_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = tmp_path / "history.jsonl"
    assert cli.main(["bench", "--runs", "1", "--json", "--keep", str(history)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert all(figures[name] > 0 for name in ROWS)
    # A frame cannot be known before the look-ahead of its sound has arrived.
    assert figures["latency_ms"] > 100 and figures["first_frame_ms"] > 100
    kept = json.loads(history.read_text())
    assert kept["fps_512"] == figures["fps_512"] and {"date", "commit"} <= set(kept)


def test_a_history_that_cannot_be_kept_is_told_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["bench", "--keep", str(tmp_path / "none" / "history.jsonl")]) == 2
    told = capsys.readouterr().err
    assert "history.jsonl" in told and "measuring" not in told
