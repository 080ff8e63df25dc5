"""Measure whether lips meet on p b m and part on open vowels, in eight languages, by the synthesiser's own clock.

    python benchmarks/phone_closures.py [--model MODEL] [--voices +m1,+f2]

The sentences are none that a generator learns from (`training.spoken_motion`). A closure counts as made where the lips
come within `CLOSURE` of rest during the phone, or within 40 ms of it; a vowel as open where they part by `OPEN` or
more. The motion is the generator's, before any portrait. The last column tells whether shut lips are bought by a
mouth that hangs shut: the median opening of the middle of open vowels, in canonical units.
"""

# ruff: noqa: RUF001 (letters of other languages)

import argparse

import numpy as np
from rich.console import Console
from rich.table import Table

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.bundle import Bundle
from rhapsode.face.mouth import lip_opening
from rhapsode.media.synthesis import synthesise_timed
from rhapsode.media.waveform import SAMPLE_RATE, resample
from rhapsode.metrics.lip_gestures import lip_gestures
from rhapsode.motion.head import HeadModel
from rhapsode.motion.model import SpeechModel
from rhapsode.motion.retarget import CLOSURE
from rhapsode.motion.stream import StyledMotionModel, generate

#: Opening from which an open vowel counts as open, canonical units; and seconds beside a phone that count as it.
OPEN, BESIDE = 0.05, 0.04

SENTENCES = {
    "en": (
        "Bob put a map of Panama upon the table by the lamp.",
        "My baby may become a famous movie maker.",
        "People hope to be happy, but problems may happen to anybody.",
    ),
    "de": (
        "Am Abend bringt Papa immer ein paar Äpfel aus dem Obstgarten mit.",
        "Bitte nimm meine blaue Mappe vom Boden.",
        "Peter baut im Mai mit dem Nachbarn ein kleines Boot.",
    ),
    "fr": (
        "Ma mère a posé un beau bouquet de pivoines sur la commode.",
        "Le bébé applaudit pendant que papa prépare la soupe.",
        "Beaucoup de bateaux partent du petit port chaque matin.",
    ),
    "es": (
        "Mi abuela prepara una sopa de pimientos muy buena.",
        "El pueblo tiene un puente blanco y un molino pequeño.",
        "Pablo compró dos boletos para viajar a Bogotá en mayo.",
    ),
    "it": (
        "Mia mamma prepara sempre una buona pasta al pomodoro.",
        "Il bambino porta una piccola bambola blu.",
        "Domani partiamo presto per andare a Palermo in barca.",
    ),
    "pt": (
        "Meu pai comprou uma bola bonita para o bebê.",
        "A menina bebe um copo de água morna pela manhã.",
        "O barco partiu do porto com muitas pessoas a bordo.",
    ),
    "pl": (
        "Mama kupiła mi piękną białą bluzkę na imprezę.",
        "Piotr pamięta, by podlać pomidory przed obiadem.",
        "Mój brat mieszka w małym bloku obok parku.",
    ),
    "tr": (
        "Babam bu sabah pazardan biraz peynir ve elma aldı.",
        "Küçük bebek mavi battaniyenin altında mışıl mışıl uyuyor.",
        "Bizim apartmanın bahçesinde büyük bir incir ağacı var.",
    ),
}


def openings(model: StyledMotionModel, sentence: str, voice: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the least opening of the lips on each p b m, and the greatest and the middle one of each open vowel."""
    sound, phones = synthesise_timed(sentence, voice)
    opening = lip_opening(generate(model, resample(sound, SAMPLE_RATE)))

    def around(start: float, end: float, beside: float) -> np.ndarray:
        first, last = max(round((start - beside) * MOTION_RATE), 0), round((end + beside) * MOTION_RATE) + 1
        part: np.ndarray = opening[first:last]
        return part

    shut, parted = lip_gestures(phones)
    least = np.array([around(*span, BESIDE).min() for span in shut])
    vowels = [around(*span, 0) for span in parted]
    return least, np.array([each.max() for each in vowels]), np.array([np.median(each) for each in vowels])


def main() -> None:
    """Parse the arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default", help="default, or a model folder")
    parser.add_argument("--voices", default="+m1,+f2", help="variants of each language's voice, by commas")
    parser.add_argument("--live", action="store_true", help="hear the sound as a session does")
    chosen = parser.parse_args()
    bundle = Bundle.load(chosen.model)
    speech = SpeechModel.load(bundle)
    speech = speech if chosen.live else speech.wide
    model = StyledMotionModel(speech.encoder, speech.generator, HeadModel.load(bundle.path("head_motion.safetensors")))
    table = Table("language", "p b m", "closed, %", "vowels", "open, %", "opening")
    every = []
    for language, sentences in SENTENCES.items():
        said = [
            openings(model, sentence, language + voice) for voice in chosen.voices.split(",") for sentence in sentences
        ]
        every.append([np.concatenate(each) for each in zip(*said, strict=True)])
        table.add_row(language, *_row(*every[-1]))
    table.add_row("all", *_row(*(np.concatenate(each) for each in zip(*every, strict=True))), style="bold")
    Console().print(table)


def _row(least: np.ndarray, greatest: np.ndarray, middle: np.ndarray) -> list[str]:
    closed, parted = 100 * np.mean(least < CLOSURE), 100 * np.mean(greatest > OPEN)
    return [str(len(least)), f"{closed:.0f}", str(len(greatest)), f"{parted:.0f}", f"{np.median(middle):.3f}"]


if __name__ == "__main__":
    main()
