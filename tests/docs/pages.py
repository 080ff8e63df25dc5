"""Read the commands of a page, and run them as a reader would: in a folder of their own, one block after another."""

import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from rhapsode.cli import main

ROOT = Path(__file__).parents[2]

#: Languages of code: what is run, and what is only shown.
RUN, SHOWN = ("sh", "python", "json"), ("text", "html")
#: What makes an installation, which the tests themselves run in, is not run again.
_INSTALLS = re.compile(r"(make|pip) ")
_SERVES = re.compile(r"^rhapsode (serve|studio)\b", re.MULTILINE)
#: The ports that pages name, and that others may have taken.
_PORTS = {"serve": 8000, "studio": 7860}
#: Seconds that a busy machine may take for a block that takes ten.
_PATIENCE = 300

#: What a shell does more with than to take words apart.
_QUOTED = re.compile(r"\"[^\"$`]*\"|'[^']*'")
_OF_A_SHELL = re.compile(r"[|&;<>()$`*?\[\]{}~#\\]")


@dataclass(frozen=True)
class Block:
    """Hold code: where it stands, its language, its text."""

    where: str
    language: str
    text: str

    @property
    def installs(self) -> bool:
        """Tell whether it installs something."""
        return self.language == "sh" and bool(_INSTALLS.match(self.text))

    @property
    def commands(self) -> list[list[str]]:
        """Give the words of each command, where all are of `rhapsode` and ask nothing else of a shell."""
        lines = self.text.strip().splitlines()
        plain = all(line.startswith("rhapsode ") and not _OF_A_SHELL.search(_QUOTED.sub("", line)) for line in lines)
        return [shlex.split(line)[1:] for line in lines] if plain else []

    @property
    def outputs(self) -> set[str]:
        """Name the files that it should make, but for those whose names a shell completes."""
        named = re.findall(r"(?:--out|-o|--pictures|>) ([^\s$]+)(?=\s|$)", self.text) if self.language == "sh" else []
        return {name for name in named if name != "-"}


def blocks(page: Path) -> list[Block]:
    """Read the code of a page; what is only indented has no language."""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    fences = [token for token in tokens if token.type in ("fence", "code_block")]
    return [Block(f"{page.name}:{(one.map or [0])[0] + 1}", one.info.strip(), one.content) for one in fences]


class Reader(AbstractContextManager["Reader"]):
    """Do what a page says, in the current folder. A server goes on until the next one, or until the reader leaves."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None
        self._ports = {verb: _free_port() for verb in _PORTS}

    def __exit__(self, *_: object) -> None:
        self.stop()

    def do(self, block: Block) -> None:
        """Do what a block says, and look whether the files are there that it should make."""
        text = block.text
        for verb, port in _PORTS.items():
            text = text.replace(f":{port}", f":{self._ports[verb]}")
        commands = block.commands
        if block.language == "json":
            Path("points.json").write_text(text)
        elif block.language == "python":
            Path("talk.py").write_text(text)
            _run(block.where, [sys.executable, "talk.py"])
        elif served := _SERVES.search(text):
            self._serve(text, served[1])
        elif commands:
            # In this process, which has all that is needed in memory: ten times as many start one anew in a minute.
            for command in commands:
                assert main(command) == 0, f"{block.where}: {' '.join(command)}"
        else:
            _run(block.where, ["bash", "-euo", "pipefail", "-c", text])
        for name in block.outputs:
            made = Path(name)
            assert made.is_dir() or made.stat().st_size > 0, f"{block.where} made no {name}"

    def _serve(self, text: str, verb: str) -> None:
        self.stop()
        port = self._ports[verb]
        more = f"--port {port}" + (" --no-browser" if verb == "studio" else "")
        self._server = subprocess.Popen(["bash", "-c", f"exec {text.strip()} {more}"])
        for _ in _until(self._server):
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
        if verb == "studio":
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
                assert b"<title>" in answer.read()

    def stop(self) -> None:
        """End the server that runs, which says that it was interrupted."""
        if self._server is not None:
            self._server.terminate()
            assert self._server.wait(_PATIENCE) == 130
            self._server = None


def _run(where: str, command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE)
    assert result.returncode == 0, f"{where}:\n{command[-1]}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}"


def _until(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Wait for what a process does, a little each time, as long as it lives."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended"
        yield
        time.sleep(0.1)
    raise AssertionError("the server did not answer")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
