"""Measure how well features tell which phone is spoken, frame by frame, on speakers that the probe has never heard.

    pip install pocketsphinx
    python benchmarks/phone_probe.py --data DATA --encoder FILE [FILE...]

GRID's file names spell the words (bbas3a: "bin blue at s three again"); pocketsphinx aligns their phones. A linear
classifier is trained on the `train` speakers and scored on the `test` speakers: log-mel, each encoder, the teacher
(where `rhapsode[teacher]` is installed). Encoders are read `delay` frames late, log-mel and the teacher in sync.
Each gets five frames of context, 2 apart. Silence is left out. Visemes are the phones by place of articulation.
"""

import argparse
import re
from functools import partial
from pathlib import Path

import numpy as np
import torch
from pocketsphinx import Decoder
from rich.console import Console
from rich.table import Table

from rhapsode.audio.mel import LOG_FLOOR, MEL_BANDS, log_mel
from rhapsode.data.clips import read_clips
from rhapsode.data.loudness import normalise_loudness
from rhapsode.errors import InstallationError
from rhapsode.media.sound import load_waveform
from rhapsode.media.waveform import SAMPLE_RATE
from rhapsode.models.audio_encoder import AudioEncoder
from rhapsode.training.teacher import Teacher

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
WORDS = [
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {},
    dict(
        zip("z123456789", ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], strict=True)
    ),
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
]
VISEMES = ["B P M", "F V", "TH DH", "T D S Z N L", "SH CH JH ZH", "K G NG HH Y", "R", "W UW OW UH OY AO",
           "IY IH EY EH AE", "AA AH AY AW ER"]  # fmt: skip
VISEME = {phone: number for number, phones in enumerate(VISEMES) for phone in phones.split()}


def words(path: Path) -> str | None:
    """Give the sentence of a GRID clip, by its name or its alignment; letters as in the dictionary: `b.`."""
    code = re.search(r"(?<![a-z0-9])[blps][bgrw][abiw][a-z][z1-9][anps](?![a-z0-9])", path.stem.lower())
    if code:
        return " ".join(kind.get(letter, f"{letter}.") for kind, letter in zip(WORDS, code[0], strict=True))
    if not path.with_suffix(".align").is_file():
        return None
    rows = [row.split()[2] for row in path.with_suffix(".align").read_text().splitlines()]
    return " ".join(f"{word}." if len(word) == 1 else word for word in rows if word not in ("sil", "sp"))


def align(samples: np.ndarray, text: str) -> list[tuple[str, float, float]]:
    """Align phones, with their start and end in seconds."""
    decoder = Decoder(lm=None, samprate=SAMPLE_RATE, loglevel="FATAL")
    pcm = (samples.clip(-1, 1) * 32767).astype(np.int16).tobytes()
    for prepare in (lambda: decoder.set_align_text(text), decoder.set_alignment):
        prepare()
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
    return [
        (phone.name, phone.start / 100, (phone.start + phone.duration) / 100)
        for word in decoder.get_alignment()
        for phone in word
    ]


def in_context(features: np.ndarray) -> np.ndarray:
    """Concatenate five frames, 2 apart, (T, F) -> (T, 5 F)."""
    return np.concatenate([np.roll(features, shift, 0) for shift in (-4, -2, 0, 2, 4)], axis=1)


def encode(encoder: AudioEncoder, samples: np.ndarray) -> np.ndarray:
    """Compute an encoder's features, in sync with the sound."""
    silence = np.full((2 * encoder.dims.delay, MEL_BANDS), LOG_FLOOR, np.float32)
    mel = torch.from_numpy(np.concatenate([log_mel(samples), silence]))
    with torch.inference_mode():
        return encoder(mel[None])[0][0, encoder.dims.delay :].numpy()


def accuracy(features: dict[str, np.ndarray], labels: dict[str, np.ndarray], train: set[str]) -> float:
    """Give the share of frames of held-out clips that a logistic regression classifies correctly."""
    x, y, tx, ty = (
        torch.from_numpy(
            np.concatenate([source[name][labels[name] >= 0] for name in labels if (name in train) == wanted])
        )
        for wanted in (True, False)
        for source in ({name: in_context(value) for name, value in features.items()}, labels)
    )
    mean, std = x.mean(0), x.std(0) + 1e-4
    x, tx = (x - mean) / std, (tx - mean) / std
    torch.manual_seed(0)
    probe = torch.nn.Linear(x.shape[1], int(y.max()) + 1)
    optimiser = torch.optim.AdamW(probe.parameters(), lr=2e-3, weight_decay=0.3)
    for _ in range(600):
        pick = torch.randint(len(x), (1024,))
        loss = torch.nn.functional.cross_entropy(probe(x[pick]), y[pick])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.inference_mode():
        return float((probe(tx).argmax(1) == ty).float().mean())


def main() -> None:
    """Parse the arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with clips.csv")
    parser.add_argument("--encoder", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    torch.set_num_threads(1)
    extractors = {"log-mel": lambda samples: log_mel(samples).reshape(-1, 2 * MEL_BANDS)}
    for path in options.encoder:
        extractors[str(path)] = partial(encode, AudioEncoder.load(path))
    try:
        extractors["teacher"] = Teacher().features
    except InstallationError as error:
        print(error)
    features: dict[str, dict[str, np.ndarray]] = {name: {} for name in extractors}
    phones: dict[str, np.ndarray] = {}
    train = set()
    numbers: dict[str, int] = {}
    for clip in read_clips(options.data):
        text = words(clip.path)
        if text is None or clip.corpus != "grid" or clip.split not in ("train", "test"):
            continue
        samples = normalise_loudness(load_waveform(clip.path, SAMPLE_RATE)).samples
        try:
            spoken = align(samples, text)
        except (RuntimeError, ValueError) as error:
            print(f"{clip.name}: left out ({error})")
            continue
        for name, extract in extractors.items():
            features[name][clip.name] = extract(samples)
        label = np.full(len(features["log-mel"][clip.name]), -1)
        for phone, begin, end in spoken:
            if phone in VISEME:
                label[round(60 * begin) : round(60 * end)] = numbers.setdefault(phone, len(numbers))
        phones[clip.name] = label
        if clip.split == "train":
            train.add(clip.name)
    to_viseme = np.array([VISEME[phone] for phone in numbers] + [-1])
    visemes = {name: to_viseme[label] for name, label in phones.items()}
    table = Table("features", "phones", "visemes")
    for name in extractors:
        table.add_row(name, *(f"{accuracy(features[name], kind, train):.3f}" for kind in (phones, visemes)))
    Console().print(
        f"{len(train)} clips to learn from, {len(phones) - len(train)} to score, {len(numbers)} phones", table
    )


if __name__ == "__main__":
    main()
