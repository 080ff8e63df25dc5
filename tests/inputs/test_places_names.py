"""Names of files and folders, in any alphabet and of any length."""

import pytest
from tests.bench import Bench


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("你好世界", marks=pytest.mark.case(
            "Places", "Names in Chinese", made="mkdir 你好世界", happens="works")),
        pytest.param("صورة متكلمة", marks=pytest.mark.case(
            "Places", "Names in Arabic, with a space", made="mkdir 'صورة متكلمة'", happens="works")),
    ],
)  # fmt: skip
def test_names_in_any_alphabet(bench: Bench, name: str) -> None:
    folder = bench.folder / name
    folder.mkdir()
    portrait, speech = (path.rename(folder / f"{name}{path.suffix}") for path in (bench.portrait, bench.speech))
    out = folder / f"{name}.mp4"
    assert bench.animate(portrait=portrait, audio=speech, out=out).code == 0
    assert out.is_file()
