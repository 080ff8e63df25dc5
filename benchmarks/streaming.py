"""How fast the encoder and the generator run on one core when the sound arrives in chunks of 40 ms.

    python benchmarks/streaming.py --audio SPEECH.wav [--weights FILE]

Prints times real time (median and worst of the runs), the share of the slowest chunk of its 40 ms, and the largest
difference between the streamed motion and that of the whole sound.
"""

import argparse
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch

from rhapsode.audio.mel import LOG_FLOOR, MEL_BANDS, MelStream
from rhapsode.audio.waveform import SAMPLE_RATE, load_waveform, normalise_loudness
from rhapsode.motion.generator import GeneratorState, MotionGenerator

CHUNK = SAMPLE_RATE * 40 // 1000


@torch.inference_mode()
def stream(generator: MotionGenerator, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Motion (T, 68, 3), and the seconds that each chunk took."""
    mel, state, parts, took = MelStream(), None, [], []

    def step(frames: np.ndarray, state: GeneratorState | None) -> GeneratorState | None:
        if len(frames):
            part, state = generator.step(torch.from_numpy(frames)[None], state)
            parts.append(part[0].numpy())
        return state

    for first in range(0, len(samples), CHUNK):
        began = time.perf_counter()
        state = step(mel.push(samples[first : first + CHUNK]), state)
        took.append(time.perf_counter() - began)
    ahead = generator.dims.look_ahead
    state = step(mel.end(), state)
    step(np.full((2 * ahead, MEL_BANDS), LOG_FLOOR, np.float32), state)
    return np.concatenate(parts)[ahead:], np.array(took)


def main() -> None:
    """Parse the arguments and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True)
    shipped = Path(str(files("rhapsode.weights") / "motion_generator.safetensors"))
    parser.add_argument("--weights", type=Path, default=shipped)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    generator = MotionGenerator.load(options.weights)
    sound = normalise_loudness(load_waveform(options.audio, SAMPLE_RATE))
    whole = generator.speak(sound)
    runs = [stream(generator, sound.samples) for _ in range(options.runs)]
    speeds = sorted(sound.seconds / took.sum() for _, took in runs)
    worst = np.median([took.max() for _, took in runs]) / 0.04
    off = np.abs(runs[0][0] - whole).max()
    print(f"{np.median(speeds):.0f} x real time (slowest run {speeds[0]:.0f}); slowest chunk {worst:.0%} of its 40 ms")
    print(f"{len(whole)} frames, streamed and whole differ by at most {off:.1e}")


if __name__ == "__main__":
    main()
