"""Videos of style clips, each beside a portrait that speaks with one voice: without the style, and with it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

import cv2
import numpy as np

from rhapsode.animator import Animator
from rhapsode.credentials.attach import signed
from rhapsode.credentials.origin import Origin, picture_hash
from rhapsode.data.store import ClipStore, PreparedClip
from rhapsode.evaluation.report.side_by_side import labelled, pictures
from rhapsode.evaluation.seen_expressions import SIZE, close_up
from rhapsode.evaluation.styled_clip import StyledClip
from rhapsode.face.tracker import FaceTracker
from rhapsode.media.outputs import sink_for
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.media.writer import write_video
from rhapsode.options import AnimationOptions
from rhapsode.progress import Progress, no_progress
from rhapsode.style.style import Style
from rhapsode.video import Video

#: Strengths of the style, each a panel.
STRENGTHS = (1.0, 1.5)
FPS = 25
#: Longer voices are cut to this length.
SECONDS = 6.0
_QUALITY = 92


@dataclass(frozen=True)
class Showing:
    """Say how styles are shown.

    Attributes:
        store: has the style clips and the driving ones.
        portraits: pictures, used in turn; what counts is the largest face of each.
        model: "default" or a model folder.
        count: number of style clips, from the first.
    """

    store: ClipStore
    portraits: tuple[Path, ...]
    model: str | Path
    count: int


def style_videos(
    clips: Sequence[StyledClip], showing: Showing, folder: Path, progress: Progress = no_progress
) -> list[dict[str, str]]:
    """Write a video and a still of each of the first clips, and describe them for the page.

    The voice is that of the longest driving clip, at most `SECONDS` of it.

    Args:
        clips: results of each style clip.
        showing: how they are shown.
        folder: is made, and receives the files.
        progress: watches the stage `videos`.

    Returns:
        For each the names of the files, `file` and `still`, the `name` of the style clip, and a `caption`.

    Raises:
        PortraitError: a portrait shows no face, or cannot be animated.
        VideoError: the recording of a style clip cannot be read, or a video cannot be written.
    """
    folder.mkdir()
    animator = Animator.from_pretrained(showing.model)
    entries = {entry.name: entry for entry in showing.store.kept}
    videos = []
    chosen = clips[: showing.count]
    for number, clip in enumerate(chosen):
        path = showing.portraits[number % len(showing.portraits)]
        with FaceTracker() as tracker:
            portrait = close_up(path, tracker)
        driver = clip.drivers[clip.longest_two[0]]
        samples = showing.store.load(entries[driver]).samples[: int(SECONDS * SAMPLE_RATE)]
        out = folder / f"{clip.entry.name.replace('/', '__')}.mp4"
        recorded = showing.store.load(clip.entry)
        style_video(recorded, clip.learnt, portrait, Waveform(samples, SAMPLE_RATE), animator, out)
        videos.append(
            {
                "name": clip.entry.name,
                "file": out.name,
                "still": _still(out).name,
                "caption": f"{clip.style} · voice of {driver} · portrait {path.name}",
            }
        )
        progress("videos", number + 1, len(chosen))
    return videos


def style_video(
    recorded: PreparedClip, style: Style, portrait: np.ndarray, voice: Waveform, animator: Animator, out: Path
) -> None:
    """Write the video, and beside it one frame as a picture (.jpg), near the middle, with the portraits' eyes open.

    From left to right: the style clip, over and over, and the portrait without style and at each of `STRENGTHS`.

    Args:
        recorded: the style clip; its own sound is not heard.
        style: of the clip.
        portrait: (SIZE, SIZE, 3) uint8 RGB.
        voice: is heard, and drives every panel but the first.
        animator: has a model that the style fits.
        out: the video, signed as `Video.save` does it.

    Raises:
        PortraitError: the portrait cannot be animated.
        VideoError: the recording cannot be read, or the video cannot be written.
    """
    loaded = animator.load_portrait(portrait)
    options = [AnimationOptions(fps=FPS, style=style, style_strength=strength) for strength in STRENGTHS]
    made = [animator.animate(loaded, voice, each) for each in (AnimationOptions(fps=FPS), *options)]
    moment = _moment(made)
    names = ["recorded, silent", "SYNTHETIC, no style", *(f"SYNTHETIC, style x {each:g}" for each in STRENGTHS)]

    def frames() -> Iterator[np.ndarray]:
        for number, panels in enumerate(zip(_repeated(recorded), *made, strict=False)):
            frame = np.concatenate([labelled(*each) for each in zip(panels, names, strict=True)], axis=1)
            if number == moment:
                cv2.imwrite(str(_still(out)), frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
            yield frame

    origin = Origin((picture_hash(portrait),), style.name)
    sink, unsigned = signed(sink_for(out), lambda: origin.inputs({None: voice}))
    comment = ". ".join(filter(None, ["the leftmost panel recorded, the others synthetic", unsigned]))
    write_video(frames(), sink, FPS, voice, comment=comment)


def _moment(videos: Sequence[Video]) -> int:
    """Choose the frame nearest the middle in which all speak and none blinks; the middle one where there is none."""
    shown = list(zip(*(video.motion() for video in videos), strict=True))
    middle = len(shown) // 2
    fit = [n for n, each in enumerate(shown) if all(one.speaks and not one.motion.lids.any() for one in each)]
    return min(fit, key=lambda n: abs(n - middle), default=middle)


def _repeated(clip: PreparedClip) -> Iterator[np.ndarray]:
    """Show the face of a recording over and over, `SIZE` high, `FPS` frames a second."""
    times = clip.times[0] + np.arange(1 + round(FPS * float(np.ptp(clip.times)))) / FPS
    for shown in chain.from_iterable(pictures(clip, times) for _ in repeat(None)):
        height, width = shown.shape[:2]
        how = cv2.INTER_AREA if height > SIZE else cv2.INTER_CUBIC
        even = 2 * round(width * SIZE / height / 2)  # as H.264 has it
        yield cv2.resize(shown, (even, SIZE), interpolation=how)


def _still(video: Path) -> Path:
    return video.with_suffix(".jpg")
