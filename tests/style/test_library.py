from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.made_up import made_up_generator, made_up_style

from rhapsode.errors import StyleError
from rhapsode.motion.generator import RecurrentGenerator
from rhapsode.style.library import StyleLibrary, resolve, user_library
from rhapsode.style.style import Style


@pytest.fixture(scope="module")
def generator() -> RecurrentGenerator:
    return made_up_generator().to_numpy()


@pytest.fixture
def ballad(generator: RecurrentGenerator) -> Style:
    return made_up_style("ballad", generator)


@pytest.fixture
def library(tmp_path: Path, generator: RecurrentGenerator, ballad: Style) -> StyleLibrary:
    """Yours: ballad and angry, with a curve. Shipped: calm, and an angry with another droop."""
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    for style in (made_up_style("calm", generator, 2), made_up_style("angry", generator, 3, gamma=0.75)):
        style.save(shipped / f"{style.name}.safetensors")
    library = StyleLibrary(tmp_path / "data" / "styles", shipped)
    library.save(ballad)
    library.save(made_up_style("angry", generator, 1))
    (library.folder / "ballad.curve.png").write_bytes(b"a picture")
    return library


def names(library: StyleLibrary) -> list[tuple[str, bool]]:
    return [(entry.name, entry.shipped) for entry in library.entries()]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_name_is_listed_once_and_yours_come_first(library: StyleLibrary) -> None:
    assert names(library) == [("angry", False), ("ballad", False), ("calm", True)]
    assert library.load("angry").gamma == 0.25
    assert library.path("calm") == library.entries()[2].path


def test_a_library_without_folders_is_empty(tmp_path: Path) -> None:
    assert StyleLibrary(tmp_path / "gone", tmp_path / "gone-too").entries() == []
    assert not list(tmp_path.iterdir())


def test_by_default_styles_are_in_the_users_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert StyleLibrary().folder == user_library() == tmp_path / "rhapsode" / "styles"


def test_what_is_half_written_or_none_of_ours_is_not_listed(library: StyleLibrary) -> None:
    for name in (".new.safetensors.partial", ".hidden.safetensors", "notes.txt"):
        (library.folder / name).write_bytes(b"")
    assert [name for name, _ in names(library)] == ["angry", "ballad", "calm"]


def test_damaged_files_are_listed_and_refused_only_when_read(library: StyleLibrary) -> None:
    (library.folder / "broken.safetensors").write_bytes(b"nothing")
    assert ("broken", False) in names(library)
    with pytest.raises(StyleError, match=r"broken\.safetensors: not a usable style"):
        library.load("broken")


def test_a_style_is_called_what_its_file_is_called(library: StyleLibrary) -> None:
    library.path("ballad").rename(library.folder / "by-hand.safetensors")
    assert library.load("by-hand").name == "by-hand"


@pytest.mark.parametrize("name", ["balad", "ballads"])
def test_an_unknown_style_is_answered_with_what_is_spelt_like_it(library: StyleLibrary, name: str) -> None:
    with pytest.raises(StyleError) as caught:
        library.load(name)
    assert f"no style {name!r} in {library.folder}" in str(caught.value)
    assert "did you mean 'ballad'?" in str(caught.value)
    assert "'calm'" not in str(caught.value)
    with pytest.raises(StyleError, match=r"no style 'zzz' in [^?]*; choose a name from the list of styles"):
        library.path("zzz")


@pytest.mark.parametrize("name", ["a", "Ballad", "Ωδή", "静かな歌", "شعر٣", "गीत", "a" * 200])
def test_a_style_is_kept_under_names_of_any_alphabet(library: StyleLibrary, ballad: Style, name: str) -> None:
    assert library.save(replace(ballad, name=name)) == library.folder / f"{name}.safetensors"
    assert library.load(name).name == name
    assert library.rename(name, "b") == library.folder / "b.safetensors"


@pytest.mark.parametrize("name", ["", "..", "../a", "a/b", "a b", "😀"])
def test_names_that_are_not_allowed_change_nothing(
    library: StyleLibrary, ballad: Style, tmp_path: Path, name: str
) -> None:
    before = contents(tmp_path)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: library.save(replace(ballad, name=name)),
        lambda: library.check_free(name),
        lambda: library.rename("ballad", name),
        lambda: library.import_(library.path("ballad"), name),
    )
    for attempt in attempts:
        with pytest.raises(StyleError, match="not allowed; use letters and digits of any alphabet"):
            attempt()
    assert contents(tmp_path) == before


def test_a_name_is_the_same_however_its_accents_are_stored(library: StyleLibrary, ballad: Style) -> None:
    composed, decomposed = "\u00e9t\u00e9", "e\u0301te\u0301"
    path = library.save(replace(ballad, name=decomposed))
    assert path.name == f"{composed}.safetensors"
    assert Style.load(path).name == composed
    assert library.load(decomposed).name == library.load(composed).name == composed
    path.rename(path.with_name(f"{decomposed}.safetensors"))  # as macOS may keep it
    assert library.load(composed).name == composed
    assert [name for name, _ in names(library)].count(composed) == 1


def test_capitals_count_and_are_suggested(library: StyleLibrary) -> None:
    with pytest.raises(StyleError, match=r"no style 'BALLAD' .*did you mean 'ballad'"):
        library.load("BALLAD")


def test_asking_whether_a_name_is_free_makes_no_folder(tmp_path: Path) -> None:
    library = StyleLibrary(tmp_path / "data" / "styles")
    assert library.check_free("ballad") == library.folder / "ballad.safetensors"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_learnt(tmp_path: Path, ballad: Style) -> None:
    (tmp_path / "data").write_text("a file")
    library = StyleLibrary(tmp_path / "data" / "styles")
    attempts: tuple[Callable[[], object], ...] = (lambda: library.check_free("ballad"), lambda: library.save(ballad))
    for attempt in attempts:
        with pytest.raises(StyleError, match=r"styles: not writable .*choose another folder"):
            attempt()


def test_a_style_of_yours_is_replaced_only_when_told(library: StyleLibrary, ballad: Style) -> None:
    changed = replace(ballad, gamma=0.5)
    with pytest.raises(StyleError, match=r"ballad\.safetensors: there is already .*; choose another name"):
        library.save(changed)
    assert library.load("ballad").gamma == 0.25
    library.save(changed, overwrite=True)
    assert library.load("ballad").gamma == 0.5


def test_a_style_of_yours_may_bear_a_shipped_ones_name(library: StyleLibrary, ballad: Style) -> None:
    library.save(replace(ballad, name="calm", gamma=0.125))
    assert ("calm", False) in names(library)
    assert library.load("calm").gamma == 0.125
    library.delete("calm")
    assert ("calm", True) in names(library)


def test_a_style_that_cannot_be_written_leaves_the_one_before(library: StyleLibrary, ballad: Style) -> None:
    before = contents(library.folder)
    with pytest.raises(StyleError, match="smaller bank"):
        library.save(replace(ballad, bank=np.zeros((4_000_000, 1), np.float32)), overwrite=True)
    assert contents(library.folder) == before


def test_renaming_moves_file_curve_and_the_name_inside(library: StyleLibrary) -> None:
    path = library.rename("ballad", "song")
    assert files(library.folder) == ["angry.safetensors", "song.curve.png", "song.safetensors"]
    assert Style.load(path).name == "song"
    assert (library.folder / "song.curve.png").read_bytes() == b"a picture"


def test_renaming_takes_no_ones_place(library: StyleLibrary) -> None:
    before = contents(library.folder)
    for new in ("angry", "ballad"):
        with pytest.raises(StyleError, match=rf"{new}\.safetensors: there is already a style of that name"):
            library.rename("ballad", new)
    with pytest.raises(StyleError, match="no style 'gone'"):
        library.rename("gone", "new")
    assert contents(library.folder) == before


def test_renaming_a_damaged_style_leaves_it_where_it_is(library: StyleLibrary) -> None:
    library.path("ballad").write_bytes(b"nothing")
    before = contents(library.folder)
    with pytest.raises(StyleError, match="not a usable style"):
        library.rename("ballad", "song")
    assert contents(library.folder) == before


def test_deleting_takes_the_curve_too(library: StyleLibrary) -> None:
    library.delete("ballad")
    assert files(library.folder) == ["angry.safetensors"]
    with pytest.raises(StyleError, match="no style 'ballad'"):
        library.delete("ballad")


def test_a_damaged_style_can_be_deleted(library: StyleLibrary) -> None:
    library.path("angry").write_bytes(b"nothing")
    library.delete("angry")
    assert ("angry", True) in names(library)


def test_shipped_styles_stay_as_they_are(library: StyleLibrary, tmp_path: Path) -> None:
    before = contents(tmp_path)
    with pytest.raises(StyleError, match=r"'calm': comes with rhapsode .*; copy it under a name of your own first"):
        library.rename("calm", "quiet")
    with pytest.raises(StyleError, match="'calm': comes with rhapsode"):
        library.delete("calm")
    assert contents(tmp_path) == before


def test_a_style_goes_out_to_a_file_or_a_folder(library: StyleLibrary, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert library.export("ballad", out) == out / "ballad.safetensors"
    assert library.export("calm", out / "other.safetensors") == out / "other.safetensors"
    assert (out / "ballad.safetensors").read_bytes() == library.path("ballad").read_bytes()
    assert Style.load(out / "other.safetensors").name == "calm"
    assert files(out) == ["ballad.safetensors", "other.safetensors"]


def test_an_export_overwrites_nothing(library: StyleLibrary, tmp_path: Path) -> None:
    taken = tmp_path / "taken.safetensors"
    taken.write_bytes(b"precious")
    for name, target, word in (
        ("ballad", taken, "exists"),
        ("ballad", library.folder, "exists"),
        ("ballad", tmp_path / "ballad.bin", "end in .safetensors"),
        ("ballad", tmp_path / "gone" / "ballad.safetensors", "no folder"),
        ("gone", tmp_path / "new.safetensors", "no style 'gone'"),
    ):
        before = contents(tmp_path)
        with pytest.raises(StyleError, match=word):
            library.export(name, target)
        assert contents(tmp_path) == before


def test_a_damaged_style_is_not_handed_on(library: StyleLibrary, tmp_path: Path) -> None:
    library.path("ballad").write_bytes(b"nothing")
    with pytest.raises(StyleError, match="not a usable style"):
        library.export("ballad", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_a_style_comes_in_under_its_own_name_or_another(library: StyleLibrary, ballad: Style, tmp_path: Path) -> None:
    source = tmp_path / "handed on.safetensors"
    replace(ballad, name="waltz").save(source)
    assert library.import_(source) == library.folder / "waltz.safetensors"
    assert library.import_(source, "polka") == library.folder / "polka.safetensors"
    assert Style.load(library.folder / "polka.safetensors").name == "polka"
    with pytest.raises(StyleError, match="already a style of that name"):
        library.import_(source)
    replace(ballad, name="waltz", gamma=0.5).save(source)
    library.import_(source, overwrite=True)
    assert library.load("waltz").gamma == 0.5


def test_what_is_no_style_does_not_come_in(library: StyleLibrary, tmp_path: Path) -> None:
    source = tmp_path / "bad.safetensors"
    source.write_text("nothing")
    before = contents(library.folder)
    with pytest.raises(StyleError, match=r"bad\.safetensors: not a usable style"):
        library.import_(source, "good")
    assert contents(library.folder) == before


def test_a_name_alone_is_the_style_as_it_is(library: StyleLibrary, ballad: Style) -> None:
    for text in ("ballad", "ballad*1"):
        style = resolve(text, library)
        assert (style.name, style.provenance) == ("ballad", ballad.provenance)
        assert np.array_equal(style.head_gain, ballad.head_gain)


def test_a_mixture_is_called_what_it_is_made_of(library: StyleLibrary, ballad: Style) -> None:
    mixed = resolve("ballad*0.5+calm*0.5", library)
    key = "recurrent.bias_ih_l0"
    assert mixed.name == "ballad*0.5+calm*0.5"
    np.testing.assert_allclose(mixed.delta[key], 0.5 * (ballad.delta[key] + library.load("calm").delta[key]), rtol=1e-5)
    half = resolve("ballad*0.5", library)
    assert half.name == "ballad*0.5"
    assert np.array_equal(half.units, np.float32(0.5) * ballad.units)


def test_a_file_needs_no_library(library: StyleLibrary, ballad: Style, tmp_path: Path) -> None:
    path = tmp_path / "a+b.safetensors"
    ballad.save(path)
    assert resolve(str(path), library).name == "ballad"
    with pytest.raises(StyleError, match=r"gone\.safetensors: cannot be read"):
        resolve(str(tmp_path / "gone.safetensors"), library)


def test_unknown_parts_of_a_mixture_are_refused(library: StyleLibrary) -> None:
    with pytest.raises(StyleError, match=r"no style 'angri' .*did you mean 'angry'"):
        resolve("ballad*0.5+angri*0.5", library)


@pytest.mark.parametrize("text", ["gone.mp4", "gone.3gp", "folder/voice.wav", "folder/ballad*0.5"])
def test_a_path_that_is_no_style_is_called_a_path(text: str, tmp_path: Path) -> None:
    with pytest.raises(StyleError, match="neither a style file nor a video"):
        resolve(text, StyleLibrary(tmp_path))


def test_styles_without_weights_share_alike(library: StyleLibrary) -> None:
    np.testing.assert_array_equal(
        resolve("ballad+calm", library).units, resolve("ballad*0.5+calm*0.5", library).units
    )  # fmt: skip


@pytest.mark.parametrize("text", ["ballad*1.2", "ballad*0.8+calm*0.4"])
def test_a_mixture_is_no_way_round_the_strength(library: StyleLibrary, text: str) -> None:
    with pytest.raises(StyleError, match="add up to 1 at most"):
        resolve(text, library)
