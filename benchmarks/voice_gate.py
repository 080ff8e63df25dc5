"""Measure how often a voice is missed, and how often something else is taken for one, today and by Silero VAD alone.

    python benchmarks/voice_gate.py --gate MODEL --speech SPEECH --clips DATA [--music FOLDER]

Voices are those of people whom no gate was trained on; the songs are RAVDESS's (`song_*` in DATA), the truth of each
from the clean vocal. Music is made up; with `--music`, recorded pieces without a voice are mixed in too. A moment is
missed where the gate is less than half open while a voice sounds; it is a false alarm where the gate is more than half
open and none sounds. What lies within 0.15 s before a voice and 0.35 s after it counts for neither: there the gate
opens and closes. Timing is measured on the clips of DATA whose words are timed by hand. Last, how far the mouth of the
motion opens while a voice sounds, as a share of how far it opens for the same words clean, and how far it does in
pauses; a whisper is one of the same words.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from rhapsode.audio.agc import AutomaticGainControl
from rhapsode.audio.mel import MOTION_RATE
from rhapsode.audio.voice_activity import voice_activity
from rhapsode.audio.voice_gate import FILE, VoiceGate, voice_share
from rhapsode.audio.whisper_mel import FEATURE_RATE
from rhapsode.bundle import Bundle
from rhapsode.data.clips import read_clips
from rhapsode.data.speech import read_speech
from rhapsode.face.geometry import mean_face
from rhapsode.face.mouth import lip_distance
from rhapsode.media.sound import load_waveform
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.motion.head import HeadModel
from rhapsode.motion.model import SpeechModel
from rhapsode.motion.stream import MotionStream
from rhapsode.motion.windowed_encoder import WindowedEncoder
from rhapsode.style.motion_model import styled_motion_model
from rhapsode.training.encoded_scenes import hear
from rhapsode.training.gate_scenes import Scene, mix, place, speak, through
from rhapsode.training.made_up_music import make_music
from rhapsode.training.made_up_noise import CHANNELS, NOISES, babble, make_noise
from rhapsode.training.revoice import whispered
from rhapsode.training.voice_gate import held_out

SECONDS = 10.0
#: Seconds before and after a voice in which the gate may open and close.
BEFORE, AFTER = 0.15, 0.35
ALIGN_RATE = 25000
#: Motion frames that the generator that ships looks ahead in features.
AHEAD = 3

Gate = Callable[[np.ndarray], np.ndarray]


def scenes_of_voices(voices: Sequence[list[np.ndarray]], songs: Sequence[np.ndarray], each: int) -> Iterator[Scene]:
    """Voices in every manner, over every background."""
    rng = np.random.default_rng(1)

    def music(unheard: bool = False) -> np.ndarray:
        return make_music(SECONDS, rng, unheard)

    for n in range(each):

        def voice(manner: str, n: int = n) -> Scene:
            own = voices[int(rng.integers(len(voices)))] if n else voices[0]
            return speak(own, SECONDS, manner, rng)

        yield voice("speech")
        for snr in (20, 10, 5, 0, -6, -10):
            yield mix(voice("speech"), music(), "music", snr)
        for snr in (10, 0, -6):
            yield mix(voice("speech"), music(unheard=True), "music of unheard instruments", snr)
        for snr in (10, 0):
            yield mix(voice("speech"), make_noise(NOISES[n % 3], SECONDS, rng), "steady noise", snr)
            yield mix(voice("speech"), make_noise(NOISES[3 + n % 3], SECONDS, rng), "hum, breath, clicks", snr)
        crowd = [voices[k][0] for k in rng.choice(len(voices), min(8, len(voices)), False)]
        yield mix(voice("speech"), babble(crowd, SECONDS, rng), "babble", 10)
        for channel in CHANNELS:
            yield through(voice("speech"), channel, rng)
        yield voice("whisper")
        for snr in (10, 0):
            yield mix(voice("whisper"), music(), "music", snr)
        yield voice("song")
        for snr in (10, 0, -6):
            yield mix(voice("song"), music(), "music", snr)
        for song in songs:
            sung = place(song, SECONDS, "recorded song", rng)
            yield sung
            for snr in (10, 0, -6):
                yield mix(sung, music(unheard=n % 2 == 1), "music", snr)


def scenes_without(voices: Sequence[list[np.ndarray]], each: int) -> Iterator[Scene]:
    """Sounds in which there is no voice to follow."""
    rng = np.random.default_rng(2)
    nothing = np.zeros(round(SECONDS * FEATURE_RATE), bool)
    yield Scene(np.zeros(round(SECONDS * SAMPLE_RATE), np.float32), nothing, "silence")
    for n in range(2 * each):
        yield Scene(make_music(SECONDS, rng), nothing, "music")
        yield Scene(make_music(SECONDS, rng, unheard=True), nothing, "music of unheard instruments")
        yield Scene(make_noise(NOISES[n % 3], SECONDS, rng), nothing, "steady noise")
        yield Scene(make_noise(NOISES[3 + n % 3], SECONDS, rng), nothing, "hum, breath, clicks")
        crowd = [voices[k][0] for k in rng.choice(len(voices), min(8, len(voices)), False)]
        yield Scene(babble(crowd, SECONDS, rng), nothing, "babble")


def scenes_of_recorded_music(pieces: Sequence[np.ndarray], voices: Sequence[list[np.ndarray]]) -> Iterator[Scene]:
    """Recorded music, alone and under a voice."""
    rng = np.random.default_rng(3)
    count = round(SECONDS * SAMPLE_RATE)
    for piece in pieces:
        for start in range(0, len(piece) - count, 2 * count):
            part = piece[start : start + count]
            yield Scene(part, np.zeros(round(SECONDS * FEATURE_RATE), bool), "recorded music")
            for snr in (10, 0, -6):
                own = voices[int(rng.integers(len(voices)))]
                yield mix(speak(own, SECONDS, "speech", rng), part, "recorded music", snr)


def with_end(samples: np.ndarray) -> np.ndarray:
    """The sound, and the silence after it that the look-ahead reaches into."""
    return np.concatenate([samples, np.zeros(round(AHEAD / MOTION_RATE * SAMPLE_RATE), np.float32)])


def errors(share: np.ndarray, voice: np.ndarray) -> tuple[int, int, int, int]:
    """Missed and voiced frames, false and silent ones: share (T,) 60 a second, voice 50 a second."""
    spoken = voice[(np.arange(len(share)) * FEATURE_RATE // MOTION_RATE).clip(0, len(voice) - 1)]
    opened = share >= 0.5
    near = spoken.copy()
    for frame in np.flatnonzero(spoken):
        near[max(frame - round(BEFORE * MOTION_RATE), 0) : frame + round(AFTER * MOTION_RATE)] = True
    return int((spoken & ~opened).sum()), int(spoken.sum()), int((~near & opened).sum()), int((~near).sum())


def timed_clips(data: Path) -> Iterator[tuple[np.ndarray, float, float]]:
    """Sounds whose words are timed: samples at 16 kHz, second of the first word and of the end of the last."""
    for clip in read_clips(data):
        table = clip.path.with_suffix(".align")
        if clip.split != "test" or not table.is_file():
            continue
        rows = [line.split() for line in table.read_text().splitlines()]
        words = [(int(start), int(end)) for start, end, word in rows if word not in ("sil", "sp")]
        yield load_waveform(clip.path, SAMPLE_RATE).samples, words[0][0] / ALIGN_RATE, words[-1][1] / ALIGN_RATE


def crossings(share: np.ndarray) -> tuple[float, float]:
    """Seconds at which the gate is first and last half open."""
    opened = np.flatnonzero(share >= 0.5)
    return (opened[0] / MOTION_RATE, (opened[-1] + 1) / MOTION_RATE) if len(opened) else (np.nan, np.nan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech", type=Path, required=True, help="folder of speech")
    parser.add_argument("--clips", type=Path, required=True, help="data folder with clips.csv")
    parser.add_argument("--music", type=Path, help="folder of recorded music without a voice")
    parser.add_argument("--gate", type=Path, required=True, help="model folder that `train voice-gate` wrote")
    parser.add_argument("--each", type=int, default=6, help="scenes of every kind")
    parser.add_argument("--wide", action="store_true", help="the encoder's setting for files")
    options = parser.parse_args()

    shipped = Bundle.load()
    file = shipped.path("audio_encoder.onnx")
    encoder = WindowedEncoder.load(file, options.wide)
    gate = VoiceGate.load(Bundle.load(options.gate).path(FILE))
    if gate.encoder != shipped.digest("audio_encoder.onnx"):
        parser.error("the gate was trained on the features of another encoder")
    seen: dict[str, np.ndarray] = {}

    def silero(samples: np.ndarray) -> np.ndarray:
        seen["silero"] = voice_activity(AutomaticGainControl().push(samples))
        return seen["silero"]

    def ours(samples: np.ndarray) -> np.ndarray:
        seen["gate"] = voice_share(gate, hear(encoder, with_end(samples)), AHEAD)
        return seen["gate"]

    # The third, which ships, is made of what the first two have told of the same sound.
    gates: dict[str, Gate] = {
        "Silero": silero,
        "gate": ours,
        "either": lambda _: np.maximum(seen["silero"], seen["gate"]),
    }
    console = Console(width=150)
    console.print(table_of_errors(scenes(options), gates))
    console.print(table_of_timing(list(timed_clips(options.clips)), gates))
    console.print(table_of_mouths(voices_of(options), gate, options.each))


def voices_of(options: argparse.Namespace) -> list[list[np.ndarray]]:
    """Recordings of everybody whom no gate was trained on."""
    people: dict[str, list[Path]] = defaultdict(list)
    for one in read_speech(options.speech):
        if held_out(one.speaker):
            people[one.speaker].append(one.path)
    return [[load_waveform(path, SAMPLE_RATE).samples for path in paths[:3]] for paths in people.values()]


def scenes(options: argparse.Namespace) -> Iterator[Scene]:
    """Every scene of the benchmark."""
    voices = voices_of(options)
    songs = [load_waveform(path, SAMPLE_RATE).samples for path in sorted(options.clips.rglob("song_*.mp4"))]
    yield from scenes_of_voices(voices, songs, options.each)
    yield from scenes_without(voices, options.each)
    if options.music:
        pieces = [load_waveform(path, SAMPLE_RATE).samples for path in sorted(options.music.iterdir())]
        yield from scenes_of_recorded_music(pieces, voices)


def table_of_errors(made: Iterator[Scene], gates: dict[str, Gate]) -> Table:
    """Shares of missed and false frames by kind, %."""
    counts: dict[tuple[str, float], np.ndarray] = {}
    for scene in made:
        found = np.array([errors(gate(scene.samples), scene.voice) for gate in gates.values()])
        key = scene.kind, scene.snr if np.isfinite(scene.snr) else 99.0
        counts[key] = counts.get(key, 0) + found
    table = Table("kind", "SNR, dB", *(f"{name}: {what}, %" for what in ("missed", "false") for name in gates))
    for (kind, snr), found in counts.items():
        cells = [
            f"{100 * row[first] / row[first + 1]:.1f}" if row[first + 1] else "" for first in (0, 2) for row in found
        ]
        table.add_row(kind, "" if snr == 99 else f"{snr:.0f}", *cells)
    return table


def table_of_timing(clips: Sequence[tuple[np.ndarray, float, float]], gates: dict[str, Gate]) -> Table:
    """When the gate is half open, against the words, ms: median, 5th and 95th percentile."""
    late: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for samples, start, end in clips:
        for name, gate in gates.items():
            opened, closed = crossings(gate(samples))
            late[name].append((1000 * (opened - start), 1000 * (closed - end)))
    table = Table("timed clips", "opens after the first word, ms", "closes after the last word, ms", "never open")
    for name, values in late.items():
        found = np.array(values)
        cells = ["{:.0f} ({:.0f} .. {:.0f})".format(*np.nanpercentile(found[:, n], (50, 5, 95))) for n in (0, 1)]
        table.add_row(name, *cells, str(int(np.isnan(found[:, 0]).sum())))
    return table


def table_of_mouths(voices: Sequence[list[np.ndarray]], gate: VoiceGate, each: int) -> Table:
    """How far the mouth opens for the same words clean, whispered, and under music, by Silero VAD and by either."""
    bundle, rng = Bundle.load(), np.random.default_rng(4)
    head = HeadModel.load(bundle.path("head_motion.safetensors"))
    gated = replace(styled_motion_model(SpeechModel.load(bundle), head), gate=gate)
    opened: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for _ in range(each):
        spoken = speak(voices[int(rng.integers(len(voices)))], SECONDS, "speech", rng)
        whisper, music = whispered(spoken.samples, rng), make_music(SECONDS, rng)
        sounds = {"clean": spoken, "whisper": Scene(whisper, spoken.voice, "whisper")}
        sounds |= {f"music, {snr} dB": mix(spoken, music, "music", snr) for snr in (10, 0, -6)}
        sounds |= {f"whisper, music, {snr} dB": mix(sounds["whisper"], music, "music", snr) for snr in (10, 0)}
        moments = np.arange(round(SECONDS * MOTION_RATE)) * FEATURE_RATE // MOTION_RATE
        said = spoken.voice[moments]
        near = np.convolve(said, np.ones(2 * round(AFTER * MOTION_RATE) + 1), "same") > 0
        for kind, scene in sounds.items():
            for name, model in (("Silero", replace(gated, gate=None)), ("either", gated)):
                motion = MotionStream(model, mean_face()).of(Waveform(scene.samples, SAMPLE_RATE))
                mouth = lip_distance(motion.expression + mean_face())
                opened[kind, name].append((float(mouth[said].mean()), float(mouth[~near].mean())))
    table = Table("mouth open", *(f"{name}: {when}, %" for name in ("Silero", "either") for when in ("voice", "pause")))
    full = np.mean([while_said for while_said, _ in opened["clean", "Silero"]])
    for kind in dict.fromkeys(kind for kind, _ in opened):
        shares = [100 * np.nanmean(opened[kind, name], axis=0) / full for name in ("Silero", "either")]
        table.add_row(kind, *(f"{share:.0f}" for pair in shares for share in pair))
    return table


if __name__ == "__main__":
    main()
