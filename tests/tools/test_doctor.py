"""The doctor: what works is said, what does not is said with a way to mend it."""

import builtins
import json
import os
import shutil
from importlib import metadata
from typing import Any

import pytest

from rhapsode import cli
from rhapsode.tools import doctor


def test_all_is_well_here(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["doctor"])
    captured = capsys.readouterr()
    assert code == 0, captured.out
    lines = captured.out.splitlines()
    assert len(lines) == len(doctor.CHECKS)
    assert all(line.startswith("ok") for line in lines)


def test_json_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CHECKS", doctor.CHECKS[:2])
    assert cli.main(["doctor", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    findings = json.loads(out)
    assert findings["ok"] is True
    assert [one["name"] for one in findings["checks"]] == ["Python", "packages"]


def test_what_fails_is_printed_with_its_fix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> str:
        raise doctor.BrokenError("a part is missing", "put it back")

    def crashed() -> str:
        raise OSError("two\nlines")

    monkeypatch.setattr(doctor, "CHECKS", (("part", broken), ("crash", crashed), ("fine", lambda: "still checked")))
    assert cli.main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "FAIL  part         a part is missing" in out
    assert "fix: put it back" in out
    assert "OSError: two lines" in out
    assert "ok    fine         still checked" in out


def test_a_missing_libgl_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without_libgl(name: str, *rest: Any, **more: Any) -> Any:
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
        return original(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_libgl)
    (finding,) = doctor.examine([("OpenCV", doctor.check_opencv)])
    assert not finding.ok
    assert "libGL.so.1" in finding.detail
    assert "opencv-python-headless" in finding.remedy


def test_a_package_of_a_wrong_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.1" if name == "numpy" else version(name))
    (finding,) = doctor.examine([("packages", doctor.check_packages)])
    assert not finding.ok
    assert "numpy is 0.1, needed " in finding.detail
    assert finding.remedy


def test_a_full_disk_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 10_000_000})
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
    (finding,) = doctor.examine([("disk", doctor.check_disk)])
    assert not finding.ok
    assert os.getcwd() in finding.detail  # noqa: PTH109
