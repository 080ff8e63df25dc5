"""Texts, and the languages that people name."""

import re

import pytest
from tests.bench import Bench

from rhapsode.cli import main
from rhapsode.errors import AudioError
from rhapsode.media import synthesis
from rhapsode.media.espeak import voice_names
from rhapsode.media.languages import language_code, script_warning
from rhapsode.media.synthesis import synthesise

case = pytest.mark.case


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        pytest.param(typed, code, marks=case("Text", what, made=f"--voice {shown}", happens="understood"))
        for what, shown, pairs in (
            ("Languages by the codes of countries", "zh, jp, kr, cz, br",
             {"zh": "cmn", "jp": "ja", "kr": "ko", "cz": "cs", "br": "pt-br", "gr": "el", "dk": "da", "ua": "uk"}),
            ("Languages by name", "english, German, Chinese",
             {"english": "en", "German": "de", "Chinese": "cmn", "japanese": "ja", "Norwegian": "nb", "Gaelic": "ga"}),
            ("Languages by their own name", "deutsch, español, 日本語",
             {"deutsch": "de", "Español": "es", "日本語": "ja", "русский": "ru", "português": "pt", "中文": "cmn"}),
            ("Languages by three letters", "eng, deu, jpn, cmn",
             {"eng": "en", "deu": "de", "ger": "de", "jpn": "ja", "cmn": "cmn", "zho": "cmn"}),
            ("Languages with a country", "pt-BR, de_AT, en-AU, zh-TW",
             {"pt-BR": "pt-br", "pt_br": "pt-br", "de_AT": "de", "en-AU": "en", "zh-TW": "cmn", "zh-HK": "yue",
              "fr-CA": "fr", "es-MX": "es-419", "en-US": "en-us", "sr-Latn-RS": "sr"}),
        )
        for typed, code in pairs.items()
    ],
)  # fmt: skip
def test_what_people_call_a_language(typed: str, code: str) -> None:
    names = voice_names()
    assert language_code(typed, names) == code
    assert code in names


def test_what_is_no_language_is_none() -> None:
    assert language_code("klingonese", voice_names()) is None
    assert language_code("", voice_names()) is None


@case("Text", "A variant of a voice", made="--voice german+f3", happens="spoken")
def test_a_variant() -> None:
    assert synthesise("Hallo", "german+f3").seconds > 0.2


@case("Text", "A language that there is not", made="--voice greman", happens="refused: says what may be meant")
def test_an_unknown_language(bench: Bench) -> None:
    outcome = bench.animate(audio=None, text="Hello.", voice="greman")
    bench.refused(outcome, "unknown voice 'greman'", "did you mean german", "rhapsode voices")


@case("Text", "The list of languages", made="rhapsode voices", happens="printed, with names; each can be spoken")
def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voices"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 100
    assert "de " in "\n".join(lines) and any(line.split() == ["ja", "Japanese"] for line in lines)
    assert synthesis.list_voices() == tuple(line.split()[0] for line in lines)


@pytest.mark.parametrize(
    ("text", "voice", "words"),
    [
        pytest.param("Добрый день", "en", "Cyrillic letters.*such as ru", marks=case(
            "Text", "Cyrillic with an English voice", made="--text 'Добрый день'", happens="spoken, with a warning")),
        pytest.param("你好世界", "en", "Chinese characters.*such as cmn", marks=case(
            "Text", "Chinese with an English voice", made="--text 你好世界", happens="spoken, with a warning")),
        pytest.param("東京へ行きます", "en", "such as ja", marks=case(
            "Text", "Japanese with an English voice", made="--text 東京へ行きます", happens="spoken, with a warning")),
        pytest.param("東京へ行きます", "ja", "kana", marks=case(
            "Text", "Chinese characters in Japanese", made="--text 東京へ行きます --voice ja",
            happens="spoken, with a warning: the synthesiser reads kana only")),
        pytest.param("Good morning", "ru", "Latin letters.*such as en", marks=case(
            "Text", "English with a Russian voice", made="--text 'Good morning' --voice ru",
            happens="spoken, with a warning")),
        pytest.param("مرحبا", "he", "Arabic letters.*such as ar", marks=case(
            "Text", "Arabic with a Hebrew voice", made="--text مرحبا --voice he", happens="spoken, with a warning")),
    ],
)  # fmt: skip
def test_a_script_that_the_voice_does_not_read(
    text: str, voice: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert synthesise(text, voice).seconds > 0.2
    (record,) = caplog.records
    assert re.search(words, record.message)


@pytest.mark.parametrize(
    ("text", "voice"),
    [("Guten Tag", "de"), ("Добрый день", "ru"), ("こんにちは", "ja"), ("你好", "cmn"), ("Zdravo", "sr"),
     ("Здраво", "sr"), ("नमस्ते", "hi"), ("안녕", "ko"), ("Привет от Google, дорогие друзья", "ru"), ("12 + 30", "ru"),
     ("C'est l'été.", "fr")],
)  # fmt: skip
def test_a_script_that_the_voice_reads(text: str, voice: str) -> None:
    assert script_warning(text, voice) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", marks=case("Text", "No text", made="--text ''", happens="refused")),
        pytest.param(" \n\t", marks=case("Text", "Spaces alone", made="--text ' '", happens="refused")),
        pytest.param("...!?", marks=case("Text", "Punctuation alone", made="--text '...!?'", happens="refused")),
        pytest.param("\u200b\ufeff", marks=case("Text", "Invisible characters alone", made="--text $'\\u200b'",
                                                happens="refused")),
    ],
)  # fmt: skip
def test_a_text_that_makes_no_sound(text: str) -> None:
    with pytest.raises(AudioError) as caught:
        synthesise(text)
    assert caught.value.code == "no-text"


@case("Text", "Emoji alone", made="--text 😀", happens="their names are spoken")
def test_emoji() -> None:
    assert synthesise("😀").seconds > 0.3


@case(
    "Text",
    "A text of more than half an hour",
    made='--text "$(cat book.txt)"',
    happens="refused: make a video of each part",
)
def test_a_very_long_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "LONGEST", 2)  # seconds, here
    with pytest.raises(AudioError, match="takes longer than") as caught:
        synthesise("One word after another. " * 2000)
    assert caught.value.code == "long-text"
    assert synthesise("Hello").seconds > 0.2, "the synthesiser is ready for the next"
