"""Expressions that are asked for by name."""

from pathlib import Path

import numpy as np
import pytest
from tests.made_up import made_up_generator, made_up_style

from rhapsode.errors import StyleError
from rhapsode.face.units import UNITS
from rhapsode.style.expressions import EXPRESSIONS, expression_names, expression_style
from rhapsode.style.library import StyleLibrary, resolve
from rhapsode.style.style import Style


@pytest.fixture
def library(tmp_path: Path) -> StyleLibrary:
    """Open a library with one learnt style."""
    opened = StyleLibrary(tmp_path / "mine", tmp_path / "none")
    opened.save(made_up_style("ballad", made_up_generator().to_numpy()))
    return opened


def unit(style: Style, name: str) -> float:
    return float(style.units[UNITS.index(name)])


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_expression_is_made_of_units_that_there_are(name: str) -> None:
    assert expression_style(name).units.any()


def test_an_expression_changes_no_weight_and_fits_every_generator() -> None:
    style = expression_style("smile")
    assert not style.delta
    style.check_fits(made_up_generator().to_numpy())


def test_a_unit_is_an_expression_alone_and_on_both_sides(library: StyleLibrary) -> None:
    left = resolve("browDownLeft", library)
    assert (unit(left, "browDownLeft"), unit(left, "browDownRight")) == (1, 0)
    both = resolve("browDown", library)
    assert (unit(both, "browDownLeft"), unit(both, "browDownRight")) == (1, 1)
    assert {"smile", "browDown", "browDownLeft", "jawOpen"} <= set(expression_names())


def test_an_expression_is_mixed_with_a_learnt_style(library: StyleLibrary) -> None:
    ballad, mixed = library.load("ballad"), resolve("ballad*0.7+smile*0.3", library)
    assert mixed.generator == ballad.generator
    smiling = 0.7 * unit(ballad, "mouthSmileLeft") + 0.3 * EXPRESSIONS["smile"]["mouthSmile"]
    assert unit(mixed, "mouthSmileLeft") == pytest.approx(smiling, abs=1e-6)
    for name, change in ballad.delta.items():
        np.testing.assert_allclose(mixed.delta[name], np.float32(0.7) * change)
    assert np.array_equal(mixed.references, ballad.references)


def test_expressions_are_added_and_take_no_share(library: StyleLibrary) -> None:
    library.save(made_up_style("waltz", made_up_generator().to_numpy(), 1))
    mixed = resolve("ballad*0.6+waltz*0.4+smile*0.9", library)
    assert [part["weight"] for part in mixed.provenance["mixed"]] == [0.6, 0.4, 0.9]
    plain = resolve("ballad+waltz+smile", library)
    assert [part["weight"] for part in plain.provenance["mixed"]] == [0.5, 0.5, 1.0]
    with pytest.raises(StyleError, match="the weights add up to"):
        resolve("ballad*0.6+waltz*0.5+smile*0.2", library)


def test_a_style_of_the_user_hides_an_expression_of_its_name(library: StyleLibrary) -> None:
    library.save(made_up_style("smile", made_up_generator().to_numpy()))
    assert resolve("smile", library).delta


def test_a_name_nearly_right_is_told(library: StyleLibrary) -> None:
    with pytest.raises(StyleError, match="did you mean 'smile'"):
        resolve("smiles", library)


def test_an_expression_that_is_kept_reads_the_same(tmp_path: Path) -> None:
    style = expression_style("doubt")
    style.save(tmp_path / "doubt.safetensors")
    assert np.array_equal(Style.load(tmp_path / "doubt.safetensors").units, style.units)
