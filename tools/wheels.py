"""Ask the package registry which systems every dependency has a wheel for: a table of docs/compatibility.md.

    python tools/wheels.py tools/wheels.md

Pip resolves what `pip install rhapsode[text]` needs, dependencies of dependencies too, for each version of Python and
each system, of wheels alone; nothing is installed. Conditions on the system in the metadata are read as on the machine
that runs this. Needs a registry, which the tests do without: run it when dependencies change.
"""

import datetime
import json
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
_HEAD = """### Wheels

For which versions of Python from {first} to {last} `pip install rhapsode[text]` finds a wheel of every package that it
needs, those of dependencies too (`tools/wheels.py`, {date}). A wheel that is there has not been run for that: only
Linux on x86-64 was.

"""
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
#: Tags of each system, as pip wants them named one by one.
SYSTEMS = {
    "Linux, x86-64": [f"manylinux_2_{n}_x86_64" for n in range(28, 16, -1)] + ["manylinux2014_x86_64"],
    "Linux, ARM": [f"manylinux_2_{n}_aarch64" for n in range(28, 16, -1)] + ["manylinux2014_aarch64"],
    "macOS 14, ARM": ["macosx_14_0_arm64"],
    "Windows, x86-64": ["win_amd64"],
}


def requirements() -> list[str]:
    """Read what is needed to animate, and to speak text, from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["text"]]


def resolve(wanted: list[str], python: str, tags: list[str]) -> dict[str, str] | None:
    """Let pip choose wheels.

    Returns:
        The version of each package, by its name; None where something has no wheel.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed"]
        command += ["--only-binary=:all:", "--python-version", python, "--target", folder, "--report", str(report)]
        for tag in tags:
            command += ["--platform", tag]
        if subprocess.run([*command, *wanted], capture_output=True, check=False).returncode:
            return None
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {one["metadata"]["name"].lower().replace("_", "-"): one["metadata"]["version"] for one in found}


def table() -> str:
    """Write the table: a row a package, a column a system, in it the versions of Python that it cannot be had for."""
    missing: dict[str, dict[str, list[str]]] = {}
    wanted = requirements()
    for system, tags in SYSTEMS.items():
        for python in PYTHONS:
            chosen = resolve(wanted, python, tags)
            lacking = []
            if chosen is None:
                lacking = [one for one in wanted if resolve([one], python, tags) is None]
                chosen = resolve([one for one in wanted if one not in lacking], python, tags) or {}
            print(
                f"{system}, Python {python}: {len(chosen)} packages, without a wheel: {lacking or 'none'}", flush=True
            )
            for name in chosen:
                missing.setdefault(name, {})
            for one in lacking:
                name = one.partition(">")[0].partition("=")[0]
                missing.setdefault(name, {}).setdefault(system, []).append(python)
    rows = "| package | " + " | ".join(SYSTEMS) + " |\n" + "|---" * (len(SYSTEMS) + 1) + "|\n"
    for name in sorted(missing):
        cells = ["not " + ", ".join(missing[name][system]) if system in missing[name] else "yes" for system in SYSTEMS]
        rows += f"| {name} | {' | '.join(cells)} |\n"
    return rows


if __name__ == "__main__":
    head = _HEAD.format(first=PYTHONS[0], last=PYTHONS[-1], date=datetime.date.today())
    Path(sys.argv[1]).write_text(head + table(), encoding="utf-8")
