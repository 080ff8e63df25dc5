"""How well lips follow a real speaker's in the finished video: first frame and sound in, the video tracked again.

    python benchmarks/from_outside.py --data STORE --split val,test --only addresses

For every clip the first frame in which its face was tracked, and its sound, make a video; the face in the video is
tracked as that in the clip was; and the openings of the two mouths are correlated at the best lag within 0.25 s.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from rhapsode.animator import Animator
from rhapsode.audio.mel import MOTION_RATE
from rhapsode.data.index import Entry
from rhapsode.data.store import PreparedClip, open_store
from rhapsode.data.tracking import track_clip
from rhapsode.errors import PortraitError
from rhapsode.face.expression import disentangle, resample
from rhapsode.media.reader import read_frames
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.metrics.mouth import opening_spread_ratio, sound_lag
from rhapsode.options import AnimationOptions

#: Largest lag between the two mouths that is made up for, seconds.
LAG = 0.25
#: Longest side of the pictures, pixels.
SIDE = 512


@dataclass(frozen=True)
class Score:
    """What came of one clip: correlation at the best lag, that lag (seconds), and spread against the speaker's."""

    name: str
    correlation: float
    lag: float
    spread: float


def mouth_faces(times: np.ndarray, landmarks: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Give canonical faces (M, 68, 3) at `moments` of landmarks (T, 68, 3) tracked at `times`."""
    offsets, rest, _ = disentangle(landmarks)
    faces: np.ndarray = resample(offsets, times, moments) + rest
    return faces


def first_frame(source: Path, clip: PreparedClip) -> np.ndarray:
    """Read the first frame in which the face was tracked, (H, W, 3) uint8 RGB, `SIDE` pixels at most."""
    recorded = float(clip.times[0] - clip.av_offset)
    frame = next(frame for time, frame in read_frames(source) if time >= recorded - 1e-3)
    scale = SIDE / max(frame.shape)
    return frame if scale >= 1 else cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def score(animator: Animator, entry: Entry, clip: PreparedClip, options: AnimationOptions, folder: Path) -> Score:
    """Animate the first frame of a clip by its sound, track the video, and compare it with the clip.

    Raises:
        PortraitError: the first frame shows no face that can be animated.
    """
    out = folder / "made.mp4"
    video = animator.animate(first_frame(Path(entry.source), clip), Waveform(clip.samples, SAMPLE_RATE), options)
    video.save(out)
    made = track_clip(out).arrays
    first = max(clip.times[0], made["times"][0], 0.0)
    last = min(clip.times[-1], made["times"][-1])
    moments = np.arange(int(first * MOTION_RATE) + 1, int(last * MOTION_RATE)) / MOTION_RATE
    generated = mouth_faces(made["times"], made["landmarks"], moments)
    real = mouth_faces(clip.times, clip.landmarks, moments)
    lag, correlation = sound_lag(generated, real, MOTION_RATE, LAG)
    return Score(entry.name, correlation, lag, opening_spread_ratio(generated, real))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="prepared store, or folder of recordings")
    parser.add_argument("--store", type=Path, default=Path("stores/clips"), help="where recordings are prepared")
    parser.add_argument("--split", default="val,test", help="splits, by commas")
    parser.add_argument("--only", default="", help="clips whose name begins with this")
    parser.add_argument("--model", default="default", help="a model folder")
    parser.add_argument("--style", help="style in which the portraits speak")
    parser.add_argument("--live", action="store_true", help="hear each sound as a session does")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    chosen = parser.parse_args()
    store = open_store(chosen.data, chosen.store)
    animator = Animator.from_pretrained(chosen.model)
    scores: dict[str, list[Score]] = {}
    wanted = [
        entry
        for entry in store.entries
        if entry.split in chosen.split.split(",") and entry.name.startswith(chosen.only)
    ]
    with tempfile.TemporaryDirectory() as folder:
        for entry in wanted:
            clip = store.load(entry)
            options = AnimationOptions(style=chosen.style, live=chosen.live)
            try:
                one = score(animator, entry, clip, options, Path(folder))
            except PortraitError as error:
                print(f"{entry.name}: left out ({error.message})")
                continue
            scores.setdefault(f"{entry.name.split('/')[0]} {entry.split}", []).append(one)
    if chosen.json:
        print(json.dumps({group: [vars(one) for one in ones] for group, ones in scores.items()}))
        return
    table = Table("clips", "correlation", "lag, ms", "spread", title=f"The finished video ({chosen.model})")
    for group, ones in scores.items():
        for one in ones if len(ones) <= 8 else []:
            table.add_row(one.name, f"{one.correlation:.3f}", f"{1000 * one.lag:+.0f}", f"{one.spread:.2f}")
        means = [float(np.mean([getattr(one, key) for one in ones])) for key in ("correlation", "lag", "spread")]
        table.add_row(
            f"{group} ({len(ones)})", f"{means[0]:.3f}", f"{1000 * means[1]:+.0f}", f"{means[2]:.2f}", style="bold"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
