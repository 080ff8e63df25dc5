import pytest

from rhapsode.errors import StyleError
from rhapsode.style.names import checked_name, mixture_weights, parse_mixture


@pytest.mark.parametrize(
    "name", ["a", "0", "slow-ballad_2", "Ballad", "é", "Ωδή", "静かな歌", "한국어", "٣", "गीत", "a" * 200]
)
def test_letters_and_digits_of_any_alphabet_are_names(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "-a", "_a", "a b", "a.b", ".a", "..", "../a", "a/b", "a\\b", "a\n", "a\0", "a*0.5", "a+b", "a:b", "CON", "nul",
     "😀", "a😀", "\u0301a", "a\u202eb", "a\u200db", "a" * 201, "a" * 255, "静" * 67],
)  # fmt: skip
def test_everything_else_is_none(name: str) -> None:
    with pytest.raises(StyleError) as caught:
        checked_name(name)
    assert caught.value.code == "bad-style-name"
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


def test_names_are_composed() -> None:
    assert checked_name("e\u0301te\u0301") == "\u00e9t\u00e9"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ballad", [("ballad", 1)]),
        ("ballad*0.6+angry*0.4", [("ballad", 0.6), ("angry", 0.4)]),
        ("ballad+angry", [("ballad", 1), ("angry", 1)]),
        ("Ωδή*0.5+静かな歌*0.5", [("Ωδή", 0.5), ("静かな歌", 0.5)]),
        (" slow-ballad_2 * 1.5 + a*0 ", [("slow-ballad_2", 1.5), ("a", 0)]),
    ],
)
def test_mixtures_that_are_understood(text: str, parts: list[tuple[str, float]]) -> None:
    assert parse_mixture(text) == parts


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "a name is missing"),
        ("+", "a name is missing"),
        ("ballad+", "a name is missing"),
        ("*0.5", "a name is missing"),
        ("ballad*", "'' is no weight"),
        ("ballad*much", "'much' is no weight"),
        ("ballad*0.5*0.5", "'0.5*0.5' is no weight"),
        ("ballad*1.51", "'1.51' is no weight from 0 to 1.5"),
        ("ballad*-0.1", "'-0.1' is no weight"),
        ("ballad*nan", "'nan' is no weight"),
        ("ballad*inf", "'inf' is no weight"),
        ("ballad+ballad*0.5", "'ballad' comes twice"),
        ("Ωδή*0.5+Ωδή", "'Ωδή' comes twice"),
        ("some/where", "letters and digits of any alphabet"),
        ("a\nb", "letters and digits of any alphabet"),
    ],
)
def test_mixtures_that_are_not(text: str, word: str) -> None:
    with pytest.raises(StyleError) as caught:
        parse_mixture(text)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_styles_without_weights_share_alike_and_no_mixture_goes_beyond_one() -> None:
    assert mixture_weights("ballad+angry") == [("ballad", 0.5), ("angry", 0.5)]
    assert mixture_weights("ballad*0.6+angry*0.4") == [("ballad", 0.6), ("angry", 0.4)]
    with pytest.raises(StyleError, match=r"add up to 1\.2") as caught:
        mixture_weights("ballad*0.8+angry*0.4")
    assert caught.value.code == "strong-mixture"
