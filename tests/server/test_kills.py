"""The server is killed in the middle of its work, and goes on: see benchmarks/server.py, of which this is a little."""

from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the extra [serve]")
pytest.importorskip("resource", reason="reads /proc")

from benchmarks.server import kills, make_inputs


@pytest.mark.slow
def test_killed_twice_it_loses_no_result_and_no_job_and_serves_nothing_half(tmp_path: Path) -> None:
    make_inputs(tmp_path)
    found = kills(tmp_path, jobs=3, times=2, workers=1, longest=3.0)
    assert found["states"].total() == 3 and found["states"]["done"] == found["result_files"]
