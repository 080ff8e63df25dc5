"""What people call languages, and the scripts that these are written in."""

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

#: Names that are neither a code of espeak-ng nor a language's English name, by the code that they stand for.
_ALSO = {
    "cmn": "zh zh-cn zh-tw zh-hans zh-hant cn zho chi chinese mandarin putonghua 中文 汉语 漢語 普通话 國語 国语",
    "yue": "zh-hk zh-yue cantonese 粤语 粵語 廣東話 广东话",
    "ja": "jp jpn 日本語",
    "ko": "kr kor 한국어",
    "en": "eng english uk-english british",
    "en-us": "us usa american",
    "de": "ger deu deutsch",
    "fr": "fra fre french français francais",
    "es": "spa spanish español espanol castellano castilian",
    "es-419": "es-mx es-ar es-co es-cl es-pe es-us latin-american",
    "pt": "por portuguese português portugues",
    "pt-br": "br brazilian brazil brasileiro",
    "it": "ita italiano",
    "nl": "nld dut flemish nederlands vlaams",
    "ru": "rus русский",
    "uk": "ukr ua українська",
    "pl": "pol polski",
    "cs": "ces cze cz čeština cestina",
    "sk": "slk slo slovenčina",
    "sl": "slv si-si slovenščina",
    "el": "ell gre gr ελληνικά",
    "da": "dan dk dansk",
    "sv": "swe se svenska",
    "nb": "no nor nob nn norwegian norsk",
    "fi": "fin suomi",
    "is": "isl ice íslenska",
    "et": "est ee eesti",
    "lv": "lav",
    "lt": "lit",
    "hu": "hun magyar",
    "ro": "ron rum mo moldovan română",
    "bg": "bul български",
    "sr": "srp srpski српски",
    "hr": "hrv hrvatski",
    "sq": "sqi alb shqip",
    "tr": "tur türkçe turkce",
    "ar": "ara العربية",
    "he": "heb iw עברית",
    "fa": "fas per farsi فارسی",
    "ur": "urd اردو",
    "hi": "hin हिन्दी",
    "bn": "ben bangla বাংলা",
    "ta": "tam",
    "te": "tel",
    "th": "tha ไทย",
    "vi": "vie vn vietnamese tiếng-việt",
    "id": "ind in bahasa",
    "ms": "msa may malaysian",
    "sw": "swa kiswahili",
    "ga": "gle irish",
    "gd": "gla",
    "cy": "cym wel cymraeg",
    "eu": "eus baq euskara",
    "ca": "cat català",
    "my": "mya bur burmese",
    "hy": "hye arm armenian",
    "ka": "kat geo",
    "ku": "kmr kurmanji",
    "la": "lat",
    "eo": "epo",
}  # fmt: skip
_CODES = {name: code for code, names in _ALSO.items() for name in names.split()}
#: Voices by the script that they read, as Unicode names it, the one that most people mean first; all others read Latin.
_READ = {
    "CYRILLIC": "ru uk bg sr mk be kk ky tt ba cv nog ru-cl ru-lv",
    "GREEK": "el grc",
    "ARABIC": "ar fa ur sd ug",
    "HEBREW": "he",
    "DEVANAGARI": "hi mr ne kok",
    "BENGALI": "bn as bpy",
    "GURMUKHI": "pa",
    "GUJARATI": "gu",
    "ORIYA": "or",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "SINHALA": "si",
    "THAI": "th",
    "MYANMAR": "my shn",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy hyw",
    "ETHIOPIC": "am ti",
    "CHEROKEE": "chr",
    "HANGUL": "ko",
    "CJK": "cmn yue hak",
    # Chinese characters in Japanese are not read but named, each as "Chinese letter".
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "SHAVIAN": "en-shaw",
    "LATIN": "sr",
}
#: Share of a text's letters that a voice may not read without a word.
_UNREAD = 0.25


def language_code(typed: str, names: Mapping[str, str]) -> str | None:
    """Find the voice that somebody means.

    Args:
        typed: a code, with or without a country (zh, pt-BR, de_AT, jpn), or the name of a language, in English or in
            itself (German, deutsch).
        names: English names of the voices that there are, by code.

    Returns:
        A code; None where nothing fits.
    """
    wanted = re.sub(r"[\s_]+", "-", typed.strip().casefold())
    if wanted in names or wanted in _CODES:
        return wanted if wanted in names else _CODES[wanted]
    for code, name in names.items():
        # "German", and "Gaelic (Irish)" by "gaelic".
        if wanted in (re.sub(r"\s+", "-", one.strip().casefold()) for one in (name, name.partition("(")[0])):
            return code
    # A country that has no voice of its own: that of the language.
    return language_code(wanted.rpartition("-")[0], names) if "-" in wanted else None


def near_names(typed: str, names: Mapping[str, str]) -> list[str]:
    """Give up to three names of languages that resemble what was typed."""
    known = [name.partition("(")[0].strip().casefold() for name in names.values()]
    return difflib.get_close_matches(typed.strip().casefold(), dict.fromkeys([*known, *_CODES]), 3)


def script_warning(text: str, code: str) -> str | None:
    """Tell where a voice does not read much of a text.

    Args:
        text: to be spoken.
        code: of the voice.

    Returns:
        A sentence with what helps; None where it reads most letters.
    """
    own = [script for script, codes in _READ.items() if code in codes.split()] or ["LATIN"]
    letters = Counter(unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha())
    unread = {script: count for script, count in letters.items() if script in _READ and script not in own}
    if sum(unread.values()) <= _UNREAD * letters.total():
        return None
    script = max(unread, key=lambda one: unread[one])
    words = "Chinese characters" if script == "CJK" else f"{script.capitalize()} letters"
    kana = letters["HIRAGANA"] + letters["KATAKANA"]
    reader = "en" if script == "LATIN" else "ja" if script == "CJK" and kana else _READ[script].split()[0]
    remedy = "write them in kana" if reader == code else f"choose a voice of the text's language, such as {reader}"
    return f"the voice {code} does not read the {words} of the text; {remedy}"
