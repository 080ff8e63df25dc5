"""Dockerfile and compose file keep to what docs/server.md promises, where no tool is there to build them."""

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
yaml: Any = pytest.importorskip("yaml")


@pytest.fixture
def services() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text())["services"])


def test_the_server_is_not_root_and_writes_in_its_volume_alone(services: dict[str, Any]) -> None:
    steps = (ROOT / "Dockerfile").read_text()
    last = steps[steps.rindex("\nFROM ") :]
    assert re.search(r"^USER [1-9]\d+$", last, re.MULTILINE) and "VOLUME /data" in last
    server = services["rhapsode"]
    assert server["read_only"] and server["cap_drop"] == ["ALL"] and server["volumes"] == ["files:/data"]


def test_secrets_come_from_outside_and_only_the_server_is_reached_from_this_machine(services: dict[str, Any]) -> None:
    text = (ROOT / "compose.yaml").read_text()
    for name in re.findall(r"^(\w+)=$", (ROOT / ".env.example").read_text(), re.MULTILINE):
        assert f"${{{name}:?" in text
    assert services["rhapsode"]["ports"] == ["127.0.0.1:8000:8000"] and "ports" not in services["database"]


def test_what_the_image_is_built_of_is_there_and_what_it_installs_is_an_extra() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert all((ROOT / name).exists() for name in kept)
    (extras,) = re.findall(r'"\.\[([a-z,]+)\]"', (ROOT / "Dockerfile").read_text())
    project = (ROOT / "pyproject.toml").read_text()
    assert all(re.search(rf"^{extra} = ", project, re.MULTILINE) for extra in extras.split(","))
