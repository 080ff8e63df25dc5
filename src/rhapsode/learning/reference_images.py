"""Style Reference Images as pictures: frames of the clip, and a contact sheet of a style's references."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.errors import StyleError
from rhapsode.face.facial_map import draw_facial_map
from rhapsode.face.geometry import fit_pose, mean_face
from rhapsode.files import atomic_write
from rhapsode.learning.style_clip import StyleClip
from rhapsode.media.reader import read_frames
from rhapsode.style.file import PICTURES
from rhapsode.style.references import key_motions, reference_distances
from rhapsode.style.style import KEY_MOTIONS, Style

#: Side of a picture, canonical units.
_WIDTH = 2.4
#: Pixels of a cell of the sheet, of the captions above it, and of the margin with the row's name.
_CELL, _CAPTION, _MARGIN = 192, 26, 110


def pictures_at(style_clip: StyleClip, times: np.ndarray) -> list[np.ndarray]:
    """Crop the face, upright, from the frames nearest to some times.

    Args:
        style_clip: a style clip.
        times: (N,) seconds of its motion.

    Returns:
        (128, 128, 3) uint8 RGB each; fewer than N where frames, or the whole video, cannot be read.
    """
    clip, side = style_clip.clip, PICTURES[1]
    if not clip.clip.path.is_file():
        return []
    frames = np.abs(clip.times[None] - times[:, None]).argmin(1)
    recorded = {round(float(style_clip.recorded_times[frame]), 4): int(frame) for frame in frames}
    pose = fit_pose(clip.landmarks)
    found: dict[int, np.ndarray] = {}
    for time, picture in read_frames(clip.clip.path):
        frame = recorded.get(round(time, 4))
        if frame is not None:
            right = pose.matrices[frame][:2, 0]
            cos, sin = side / _WIDTH / pose.scale[frame] * right / np.linalg.norm(right)
            turn = np.array([[cos, sin], [-sin, cos]])
            middle = clip.landmarks[frame, 30, :2]
            affine = np.column_stack([turn, side / 2 - turn @ middle])
            way = cv2.INTER_AREA if np.hypot(cos, sin) < 1 else cv2.INTER_CUBIC
            found[frame] = cv2.warpAffine(picture, affine, (side, side), flags=way, borderMode=cv2.BORDER_REPLICATE)
        if len(found) == len(recorded):
            break
    return [found[int(frame)] for frame in frames if int(frame) in found]


def sharpness_at(style_clip: StyleClip, times: np.ndarray) -> np.ndarray:
    """Measure the sharpness of the frames nearest to `times` (N,), (N,); earlier is better where none can be read."""
    pictures = pictures_at(style_clip, times)
    if len(pictures) < len(times):
        return -np.arange(len(times), dtype=float)
    return np.array([sharpness_of(picture) for picture in pictures])


def sharpness_of(picture: np.ndarray) -> float:
    """Measure the sharpness of a face (128, 128, 3) uint8: the standard deviation of the Laplacian of its middle."""
    grey = cv2.cvtColor(np.ascontiguousarray(picture[24:-8, 24:-24]), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std())


def reference_pictures(style_clip: StyleClip, frames: np.ndarray) -> np.ndarray | None:
    """Read the reference images, (4, 128, 128, 3) uint8 RGB; None where the video cannot be read.

    Args:
        style_clip: the style clip.
        frames: (4,) frame numbers at 60 a second.
    """
    pictures = pictures_at(style_clip, frames / MOTION_RATE)
    return np.stack(pictures) if len(pictures) == len(frames) else None


def draw_sheet(style: Style, patterns: np.ndarray | None, path: Path) -> None:
    """Draw a style's references: the key motions, the references with their distances, and pictures of them.

    Args:
        style: the style.
        patterns: (4, S, S, 3) uint8 RGB, the ISP images of a portrait in this style; None for none.
        path: a PNG file, written atomically.

    Raises:
        StyleError: the file cannot be written.
    """
    templates = key_motions()
    camera = np.array([[_CELL / _WIDTH, 0, 0, _CELL / 2], [0, _CELL / _WIDTH, 0, 0.32 * _CELL], [0, 0, 0, 1.0]])
    distances = reference_distances(style.references, templates).diagonal()

    def drawn(offsets: np.ndarray) -> list[np.ndarray]:
        return [cv2.cvtColor(draw_facial_map(mean_face() + one, camera, _CELL), cv2.COLOR_GRAY2RGB) for one in offsets]

    rows = [("template", drawn(templates), list(KEY_MOTIONS))]
    rows.append(("reference", drawn(style.references), [f"distance {one:.2f}" for one in distances]))
    if style.pictures is not None:
        rows.append(("picture", [_resized(one) for one in style.pictures], [""] * 4))
    if patterns is not None:
        rows.append(("ISP", [_resized(one) for one in patterns], [""] * 4))
    sheet = np.vstack([_row(*row) for row in rows])
    try:
        atomic_write(path, cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1].tobytes())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StyleError(f"{path}: cannot be written ({reason})", "choose another file", "not-writable") from None


def _row(name: str, cells: Sequence[np.ndarray], captions: Sequence[str]) -> np.ndarray:
    sheet = np.full((_CELL + _CAPTION, _MARGIN + len(cells) * _CELL, 3), 255, np.uint8)
    _put_text(sheet, name, (8, _CAPTION + _CELL // 2))
    for number, (cell, caption) in enumerate(zip(cells, captions, strict=True)):
        left = _MARGIN + number * _CELL
        sheet[_CAPTION:, left : left + _CELL] = cell
        _put_text(sheet, caption, (left + 6, _CAPTION - 8))
    return sheet


def _put_text(sheet: np.ndarray, text: str, place: tuple[int, int]) -> None:
    cv2.putText(sheet, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)


def _resized(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, (_CELL, _CELL), interpolation=cv2.INTER_CUBIC)
