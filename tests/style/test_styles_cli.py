import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.made_up import made_up_generator, made_up_style

from rhapsode import cli
from rhapsode.motion.generator import RecurrentGenerator
from rhapsode.style.library import StyleLibrary
from rhapsode.style.style import Style


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Styles = Callable[..., Outcome]


@pytest.fixture(scope="module")
def generator() -> RecurrentGenerator:
    return made_up_generator().to_numpy()


@pytest.fixture
def folder(tmp_path: Path, generator: RecurrentGenerator) -> Path:
    library = StyleLibrary(tmp_path / "styles")
    library.save(made_up_style("ballad", generator))
    library.save(made_up_style("angry", generator, 1, license="CC-BY-4.0"))
    return library.folder


@pytest.fixture
def styles(folder: Path, capsys: pytest.CaptureFixture[str]) -> Styles:
    def run(*words: object) -> Outcome:
        code = cli.main(["styles", *map(str, words), "--library", str(folder)])
        return Outcome(code, *capsys.readouterr())

    return run


def refused(outcome: Outcome, *words: str) -> None:
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("rhapsode: error: ")
    assert outcome.err.count("\n") == 1
    for word in words:
        assert word in outcome.err


def yours(outcome: Outcome) -> dict[str, dict[str, object]]:
    assert (outcome.code, outcome.err, outcome.out.count("\n")) == (0, "", 1)
    return {row["name"]: row for row in json.loads(outcome.out)["styles"] if not row["shipped"]}


def test_the_list_is_a_table(styles: Styles) -> None:
    outcome = styles()
    assert (outcome.code, outcome.err) == (0, "")
    lines = [line.split() for line in outcome.out.splitlines()]
    assert lines[0] == ["name", "from", "method", "seconds", "license"]
    assert ["angry", "yours", "learnt", "10.2", "CC-BY-4.0"] in lines
    assert ["ballad", "yours", "learnt", "10.2", "CC0-1.0"] in lines
    ballad, angry = (next(line for line in outcome.out.splitlines() if name in line) for name in ("ballad", "angry"))
    assert ballad.index("yours") == angry.index("yours") == outcome.out.index("from")


def test_the_list_names_the_expressions_that_need_no_style(styles: Styles) -> None:
    last = styles().out.splitlines()[-1]
    assert all(name in last for name in ("smile", "doubt", "browInnerUp"))


def test_the_list_as_json(styles: Styles, folder: Path) -> None:
    rows = yours(styles("--json"))
    assert rows["angry"] == {
        "name": "angry",
        "path": str(folder / "angry.safetensors"),
        "shipped": False,
        "method": "learnt",
        "seconds": 10.2,
        "license": "CC-BY-4.0",
    }
    assert list(rows) == ["angry", "ballad"]


def test_a_damaged_file_is_listed_with_the_reason(styles: Styles, folder: Path) -> None:
    (folder / "broken.safetensors").write_bytes(b"nothing")
    (folder / "Not A Name.safetensors").write_bytes((folder / "ballad.safetensors").read_bytes())
    out = styles().out
    line = next(line for line in out.splitlines() if line.startswith("broken"))
    assert "not a usable style" in line
    assert "CC-BY-4.0" in out
    rows = yours(styles("--json"))
    assert "not a usable style" in str(rows["broken"]["error"])
    assert "letters and digits" in str(rows["Not A Name"]["error"])
    assert "error" not in rows["ballad"]


def test_strangers_cannot_write_on_the_terminal(styles: Styles, generator: RecurrentGenerator, folder: Path) -> None:
    clip = {"clip": "a\x1b[2J.mp4", "method": "x\ny", "key\x1b[2J": 1}
    StyleLibrary(folder).save(made_up_style("rude", generator, provenance=clip, license="none\x1b[1A\rCC0"))
    for outcome in (styles(), styles("show", "rude")):
        assert outcome.code == 0
        assert all(letter.isprintable() for letter in outcome.out.replace("\n", ""))
    assert styles().out.count("\n") == styles().out.count("yours") + styles().out.count("shipped") + 2


def test_where_there_are_none_it_is_said_how_to_get_some(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["styles", "--library", str(tmp_path / "gone")]) == 0
    out = capsys.readouterr().out
    if not StyleLibrary(tmp_path / "gone").entries():
        assert str(tmp_path / "gone") in out
        assert "rhapsode learn-style" in out
    assert not (tmp_path / "gone").exists()


def test_options_before_a_verb_are_not_ignored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["--library", str(folder), "delete", "ballad"],
        ["--json", "show", "x"],
    ):
        code = cli.main(["styles", *words])
        refused(Outcome(code, *capsys.readouterr()), f"write rhapsode styles {words[-2]} first")
    assert (folder / "ballad.safetensors").exists()


def test_an_unknown_verb_is_refused(styles: Styles) -> None:
    refused(styles("shov", "ballad"), "'shov'", "rhapsode styles --help")


def test_all_facts_are_shown(styles: Styles, folder: Path) -> None:
    outcome = styles("show", "ballad")
    assert (outcome.code, outcome.err) == (0, "")
    style = Style.load(folder / "ballad.safetensors")
    for words in (
        "ballad.mp4",
        "10.2",
        "learnt",
        "CC0-1.0",
        style.generator,
        "x 1.50",
        f"nod x {style.head_gain[0]:.2f}",
    ):
        assert words in outcome.out


def test_all_facts_as_json(styles: Styles, folder: Path) -> None:
    outcome = styles("show", "ballad", "--json")
    assert (outcome.code, outcome.out.count("\n")) == (0, 1)
    shown = json.loads(outcome.out)
    style = Style.load(folder / "ballad.safetensors")
    assert shown["provenance"] == style.provenance
    assert shown["license"] == "CC0-1.0"
    assert shown["blink_rate_scale"] == 1.5
    assert shown["head_gain"] == pytest.approx(style.head_gain.tolist(), abs=1e-3)
    assert shown["bytes"] == (folder / "ballad.safetensors").stat().st_size
    assert shown["shipped"] is False
    assert shown["bank"] == 12


def test_what_a_stranger_calls_its_facts_hides_none_of_ours(
    styles: Styles, generator: RecurrentGenerator, folder: Path
) -> None:
    StyleLibrary(folder).save(made_up_style("sly", generator, provenance={"license": "public domain"}, license="mine"))
    licenses = [line.split()[1] for line in styles("show", "sly").out.splitlines() if line.startswith("  license")]
    assert licenses == ["mine", "public"]


def test_a_mixture_is_kept(styles: Styles, folder: Path) -> None:
    outcome = styles("mix", "ballad*0.6+angry*0.4", "--name", "both")
    assert (outcome.code, outcome.err) == (0, "")
    assert str(folder / "both.safetensors") in outcome.out
    style = Style.load(folder / "both.safetensors")
    assert style.name == "both"
    assert [part["weight"] for part in style.provenance["mixed"]] == [0.6, 0.4]
    assert yours(styles("--json"))["both"]["method"] == "mixed"
    assert "ballad.mp4" in styles("show", "both").out


def test_a_mixture_takes_a_place_only_when_told(styles: Styles, folder: Path) -> None:
    before = (folder / "ballad.safetensors").read_bytes()
    refused(styles("mix", "ballad*0.5", "--name", "ballad"), "already", "--overwrite")
    assert (folder / "ballad.safetensors").read_bytes() == before
    assert styles("mix", "ballad*0.5", "--name", "ballad", "--overwrite").code == 0
    assert Style.load(folder / "ballad.safetensors").blink_rate_scale == pytest.approx(1.5**0.5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "balad"), "did you mean 'ballad'?"),
        (("mix", "ballad*2", "--name", "new"), "'2' is no weight from 0 to 1.5"),
        (("mix", "ballad", "--name", "No Name"), "letters and digits"),
        (("mix", "ballad"), "--name"),
        (("rename", "ballad", "angry"), "already"),
        (("delete", "gone"), "no style 'gone'"),
        (("export", "ballad", "ballad.bin"), "end in .safetensors"),
        (("import", "gone.safetensors"), "gone.safetensors: cannot be read"),
    ],
)
def test_what_cannot_be_done_is_refused(styles: Styles, words: tuple[str, ...], said: str) -> None:
    refused(styles(*words), said)


def test_styles_of_different_generators_do_not_mix(styles: Styles, folder: Path) -> None:
    StyleLibrary(folder).save(made_up_style("stranger", made_up_generator(1).to_numpy()))
    refused(styles("mix", "ballad+stranger", "--name", "new"), "different Motion Generators")
    assert not (folder / "new.safetensors").exists()


def test_a_style_gets_another_name_and_goes(styles: Styles, folder: Path) -> None:
    outcome = styles("rename", "ballad", "song")
    assert (outcome.code, outcome.err) == (0, "")
    assert list(yours(styles("--json"))) == ["angry", "song"]
    outcome = styles("delete", "song")
    assert outcome.out == f"{folder / 'song.safetensors'}: deleted\n"
    assert list(yours(styles("--json"))) == ["angry"]


def test_a_style_is_handed_on(styles: Styles, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.safetensors"
    assert styles("export", "ballad", out).out.startswith(f"{out}: ")
    refused(styles("export", "ballad", out), "exists")
    other = tmp_path / "other"
    assert cli.main(["styles", "import", str(out), "--name", "song", "--library", str(other)]) == 0
    assert capsys.readouterr().out.startswith(str(other / "song.safetensors"))
    assert Style.load(other / "song.safetensors").name == "song"
    refused(styles("import", out), "already", "--overwrite")
    replace(Style.load(out), gamma=0.5).save(out)
    assert styles("import", out, "--overwrite").code == 0
    assert Style.load(folder / "ballad.safetensors").gamma == 0.5
