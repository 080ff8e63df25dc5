"""A video as portrait: its best frame, with a word saying which, in bounded time."""

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from rhapsode.animator import Animator
from rhapsode.errors import OptionsError, PortraitError
from rhapsode.face.best_frame import fitness
from rhapsode.face.tracker import FaceTracker
from rhapsode.media.samples import sample_frames

case = pytest.mark.case


def film(path: Path, pictures: Iterator[np.ndarray] | list[np.ndarray], every: int = 12) -> Path:
    """An MP4 of 12 frames a second, decodable from each so-many-th on."""
    with av.open(path, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=12, options={"crf": "12", "preset": "ultrafast", "g": str(every)})
        stream.pix_fmt = "yuv420p"
        for number, picture in enumerate(pictures):
            if not number:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts, frame.time_base = number, Fraction(1, 12)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def head(astronaut: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(astronaut[:340, 60:400])


@case(
    "Pictures",
    "A video as portrait",
    made="a film of a head, sharp in one frame only",
    happens="the best frame is animated; a line says at which second",
)
@case("Pictures", "A video named .jpg", made="mv face.mp4 face.jpg", happens="the same: the first bytes tell")
def test_the_best_frame_of_a_video_speaks(
    animator: Animator, head: np.ndarray, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    soft = cv2.GaussianBlur(head, (0, 0), 2.5)
    path = film(tmp_path / "face.jpg", [head if number == 18 else soft for number in range(24)])
    with caplog.at_level(logging.WARNING):
        portrait = animator.load_portrait(path)
    assert "a video; its frame at 1.50 s is animated" in caplog.text
    assert np.abs(portrait.measured.image.astype(int) - head).mean() < 6
    with pytest.raises(OptionsError, match="is a video"):
        animator.load_portrait(
            path, landmarks={"eyes": [[100, 90], [160, 90]], "nose": [130, 120], "mouth": [[110, 150], [150, 150]]}
        )


def test_a_frame_is_fit_that_is_sharp_seen_from_the_front_with_eyes_open_and_mouth_shut(head: np.ndarray) -> None:
    with FaceTracker() as tracker:
        (face,) = tracker.detect(head)
        best = fitness(head, face)
        blurred = cv2.GaussianBlur(head, (0, 0), 2)
        assert fitness(blurred, tracker.detect(blurred)[0]) < best - 0.5
    shut, gaping, turned = (face.mesh.copy() for _ in range(3))
    shut[[159, 158, 160, 385, 386, 387], 1] = face.mesh[[145, 153, 144, 380, 374, 373], 1]
    gaping[[14, 17, 402, 178], 1] += 0.2 * face.eye_distance
    turned[:, 0] += 0.6 * face.mesh[:, 2]
    for other in (shut, gaping, turned):
        assert fitness(head, type(face)(other)) < best - 1


@case("Pictures", "A video without a face", made="a film of grey", happens="refused")
def test_a_video_without_a_face_is_refused(animator: Animator, tmp_path: Path) -> None:
    path = film(tmp_path / "grey.mp4", [np.full((96, 128, 3), 90, np.uint8)] * 4)
    with pytest.raises(PortraitError, match=r"grey\.mp4: no face found"):
        animator.load_portrait(path)


@case(
    "Pictures",
    "A long video",
    made="a film of 2400 frames",
    happens="48 frames over its length are looked at, however long it is",
)
def test_of_a_long_video_a_few_frames_over_its_length_are_looked_at(tmp_path: Path) -> None:
    path = film(tmp_path / "long.mp4", (np.full((32, 32, 3), number // 10, np.uint8) for number in range(2400)), 24)
    seen = [(time, float(frame.mean())) for time, frame in sample_frames(path, 48)]
    times = np.array([time for time, _ in seen])
    assert len(seen) == 48 and times[0] < 6 and times[-1] > 190 and np.diff(times).max() < 8
    assert all(abs(grey - time * 1.2) < 3 for time, grey in seen), "each frame is that of its time"
