"""What the tutorial and the how-to pages tell a reader to do works, each command as it stands on the page."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from importlib.metadata import metadata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from tests.bench import hello, write_sound
from tests.docs.pages import ROOT, RUN, SHOWN, Reader, blocks
from tests.pictures import two_people

from rhapsode.credentials.keys import CERTIFICATE_VARIABLE, KEY_VARIABLE, make_key
from rhapsode.credentials.signing import load_c2pa
from rhapsode.errors import InstallationError
from rhapsode.learning.recipe import TransferRecipe

PAGES = [ROOT / "docs/tutorial.md", *sorted((ROOT / "docs/how-to").glob("*.md"))]
WITH_COMMANDS = [page for page in PAGES if blocks(page)]


@pytest.fixture
def reader(
    tmp_path: Path, astronaut: np.ndarray, short_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reader]:
    """A reader who has what pages ask for, a picture, a voice, a clip and the rest, and a home to keep things in."""
    folder, home = tmp_path / "work", tmp_path / "home"
    (folder / "CLIPS").mkdir(parents=True)
    (folder / "voices").mkdir()
    face = Image.fromarray(astronaut[:256, 96:352])
    face.save(folder / "face.jpg", quality=95)
    face.filter(ImageFilter.ModeFilter(5)).save(folder / "painting.jpg", quality=95)
    Image.new("RGB", (320, 200), (40, 90, 50)).save(folder / "garden.jpg")
    Image.fromarray(two_people(200)).save(folder / "two.jpg", quality=95)
    for name in ("speech.wav", "voices/one.wav", "anna.wav", "ben.wav"):
        write_sound(folder / name, hello())
    for name in ("performance.mp4", "CLIPS/anna-1.mp4", "CLIPS/ben-1.mp4"):
        shutil.copy(short_clip, folder / name)
    (table,) = [block.text for block in blocks(ROOT / "docs/how-to/train.md") if block.language == "text"]
    (folder / "CLIPS/clips.csv").write_text(table)
    key = make_key()
    (folder / "key.pem").write_bytes(key.key)
    (folder / "chain.pem").write_bytes(key.certificates)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(home))
    for kind in ("DATA", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
    for name in (KEY_VARIABLE, CERTIFICATE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    # A few steps: how good a style becomes is not looked at here.
    monkeypatch.setattr("rhapsode.learning.recipe.TransferRecipe", partial(TransferRecipe, steps=2, check_every=2))
    with Reader() as reader:
        yield reader


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_every_command_of_a_page_works(page: Path, reader: Reader) -> None:
    text = page.read_text(encoding="utf-8")
    for program in ("curl", "jq"):
        if re.search(rf"\b{program} ", text) and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if "rhapsode verify" in text:
        try:
            load_c2pa()
        except InstallationError as error:
            pytest.skip(str(error))
    for block in blocks(page):
        if block.language in RUN and not block.installs:
            reader.do(block)


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_code_says_its_language_so_that_none_is_left_out(page: Path) -> None:
    assert {block.language for block in blocks(page)} <= {*RUN, *SHOWN}


def test_what_pages_install_can_be_installed() -> None:
    commands = [block.text for page in WITH_COMMANDS for block in blocks(page) if block.installs]
    extras = {name for command in commands for names in re.findall(r"\[(.+?)\]", command) for name in names.split(",")}
    assert extras and extras <= {*(metadata("rhapsode").get_all("Provides-Extra") or [])}
    targets = {target for command in commands for target in re.findall(r"^make (\S+)$", command, re.MULTILINE)}
    assert targets
    subprocess.run(["make", "--dry-run", *targets], cwd=ROOT, check=True, capture_output=True)


def test_the_list_of_how_to_pages_names_each() -> None:
    listed = re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / "docs/how-to/index.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(
        page.name for page in PAGES if page.parent.name == "how-to" and page.stem != "index"
    )
