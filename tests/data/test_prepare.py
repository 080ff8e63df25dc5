"""Preparing a store: what is kept, what is left out and why, and what happens when a run is cut short."""

import csv
import dataclasses
import json
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from rhapsode import cli
from rhapsode.audio.mel import MOTION_RATE
from rhapsode.data.clips import read_clips
from rhapsode.data.index import Entry, append_row, read_index, save_arrays, write_index
from rhapsode.data.motion_windows import align_clip
from rhapsode.data.prepare import FAILED, Report, prepare
from rhapsode.data.store import ClipStore, open_store
from rhapsode.errors import DataError, WeightsError
from rhapsode.face.geometry import fit_pose
from rhapsode.media.reader import read_frames
from rhapsode.media.waveform import Waveform, resample
from rhapsode.media.writer import write_video
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.motion.dims import GeneratorDims

DOCS = Path(__file__).parents[2] / "docs" / "store.md"
HEADER = "path,speaker,split,style,licence\n"


def list_clips(folder: Path, **splits: str) -> None:
    rows = (f"{name}.mp4,astronaut,{split},neutral,Apache-2.0\n" for name, split in splits.items())
    (folder / "clips.csv").write_text(HEADER + "".join(rows))


def still(picture: np.ndarray, out: Path, sound: Waveform | None, seconds: float = 1.0) -> None:
    """A picture that does not move, with a sound."""
    write_video((picture for _ in range(round(25 * seconds))), out, 25, sound)


def on_canvas(picture: np.ndarray, side: int, *corners: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """The picture at `side` pixels, pasted at each corner of a grey canvas."""
    canvas = Image.new("RGB", size, (90, 90, 90))
    for corner in corners:
        canvas.paste(Image.fromarray(picture).resize((side, side)), corner)
    return np.asarray(canvas)


@dataclasses.dataclass(frozen=True)
class Made:
    data: Path
    store: Path
    report: Report

    def row(self, name: str) -> Entry:
        (row,) = (row for row in self.report.entries if row.name == f"{name}.mp4")
        return row


@pytest.fixture(scope="module")
def made(
    talking_clip: Path, astronaut: np.ndarray, sentence: Waveform, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    """A store of one good clip, one whose sound is 0.2 s late, and one for every reason to leave a clip out."""
    folder = tmp_path_factory.mktemp("data")
    face = astronaut[:256, 96:352]
    sound = resample(sentence, 16_000)
    late = Waveform(np.concatenate([np.zeros(3200, np.float32), sound.samples]), 16_000)
    for name, track in (("talking", sound), ("late", late)):
        # Both are encoded in the same way, so that only the sound differs.
        write_video((frame for _, frame in read_frames(talking_clip)), folder / f"{name}.mp4", 25, track)
    (folder / "notes.mp4").write_text("not a video")
    still(face, folder / "mute.mp4", None)
    still(face, folder / "silent.mp4", Waveform(np.zeros(16_000, np.float32), 16_000))
    still(face, folder / "short.mp4", sound, 0.32)
    still(np.full((128, 128, 3), 90, np.uint8), folder / "empty.mp4", sound)
    still(on_canvas(face, 256, (0, 0), (256, 0), size=(512, 256)), folder / "two.mp4", sound)
    still(on_canvas(face, 72, (80, 80), size=(240, 240)), folder / "far.mp4", sound)
    still(face, folder / "frozen.mp4", sound, 2)
    (folder / "measured.mp4").write_bytes((folder / "frozen.mp4").read_bytes())
    names = ("late", "notes", "mute", "silent", "short", "empty", "two", "far", "frozen")
    list_clips(folder, talking="train", **dict.fromkeys(names, "train"), measured="eval")
    store = tmp_path_factory.mktemp("made") / "store"
    return Made(folder, store, prepare(read_clips(folder), store))


def test_a_good_clip_is_kept_with_all_that_training_needs(made: Made) -> None:
    row = made.row("talking")
    assert (row.dropped, row.split, row.fps) == ("", "train", 25)
    assert row.face_share > 0.95
    assert row.sync_confidence > 0.5
    assert abs(row.av_offset) <= 0.05
    clip = ClipStore.open(made.store).load(row)
    frames, motion = len(clip.times), len(clip.mel) // 2
    assert frames > 50
    assert clip.landmarks.shape == (frames, 68, 3)
    assert clip.pose.rotation.shape == clip.pose.translation.shape == (frames, 3)
    assert np.abs(clip.pose.scale / fit_pose(clip.landmarks).scale - 1).max() < 0.1
    assert clip.mel.shape == (2 * motion, 80)
    assert abs(len(clip.samples) / 16_000 - motion / 60) < 0.02
    assert clip.clip.path == made.data / "talking.mp4"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("notes", "unreadable"), ("mute", "no sound"), ("silent", "no sound"), ("short", "too short"),
        ("empty", "no face"), ("two", "several faces"), ("far", "face too small"), ("frozen", "out of sync"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_left_out_and_says_why(made: Made, name: str, reason: str) -> None:
    row = made.row(name)
    assert row.dropped == reason
    assert row.note
    assert row.name in [entry.name for entry in ClipStore.open(made.store).entries]
    assert row.name not in [entry.name for entry in ClipStore.open(made.store).kept]
    assert f"| `{reason}` |" in DOCS.read_text()


def test_the_report_counts_what_was_left_out(made: Made) -> None:
    assert made.report.tracked == 11
    assert made.report.dropped["no sound"] == 2
    assert {row.name for row in made.report.kept} == {"talking.mp4", "late.mp4", "measured.mp4"}


def test_a_clip_out_of_sync_stays_where_it_is_only_scored_on(made: Made) -> None:
    row = made.row("measured")
    assert row.dropped == ""
    assert row.sync_confidence < 0.25
    assert ClipStore.open(made.store).load(row).landmarks.shape[1:] == (68, 3)


def test_late_sound_is_noticed_and_taken_out(made: Made) -> None:
    store = ClipStore.open(made.store)
    row, on_time = made.row("late"), store.load(made.row("talking"))
    assert abs(row.av_offset - on_time.av_offset - 0.2) < 0.04
    late = store.load(row)
    arrays = load_file(made.store / row.file)
    assert np.allclose(late.times - arrays["times"], row.av_offset)
    shift = round(MOTION_RATE * (row.av_offset - on_time.av_offset))
    in_sync, other = align_clip(late).expression[shift:], align_clip(on_time).expression
    count = min(len(other), len(in_sync))
    opening = [each[:count, 66, 1] - each[:count, 62, 1] for each in (in_sync, other)]
    assert np.corrcoef(*opening)[0, 1] > 0.98


def test_a_second_run_tracks_nothing_and_changes_nothing(made: Made) -> None:
    before = (made.store / "index.csv").read_bytes()
    seen: list[tuple[str, int, int]] = []
    again = prepare(read_clips(made.data), made.store, progress=lambda *step: seen.append(step))
    assert (again.tracked, again.measured, seen) == (0, 0, [])
    assert list(again.entries) == list(made.report.entries)
    assert (made.store / "index.csv").read_bytes() == before


def test_another_sync_model_measures_without_tracking(made: Made, tmp_path: Path) -> None:
    sync_model = tmp_path / "deaf.safetensors"
    MotionGenerator(GeneratorDims(hidden=8, layers=1, components=2)).save(sync_model)
    store = copy_of(made, tmp_path)
    old = {path: path.stat().st_mtime_ns for path in store.glob("clips/*/*")}
    report = prepare(read_clips(made.data), store, sync_model)
    assert (report.tracked, report.measured) == (0, 4)
    assert {path: path.stat().st_mtime_ns for path in store.glob("clips/*/*")} == old
    # An untrained one finds no lips that follow the sound.
    assert report.dropped["out of sync"] == 3


def test_a_bad_sync_model_is_refused_before_any_work(made: Made, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"notes\.mp4"):
        prepare(read_clips(made.data), tmp_path / "store", made.data / "notes.mp4")
    assert not (tmp_path / "store").exists()


def test_a_replaced_clip_is_made_anew_and_a_new_list_is_not(made: Made, tmp_path: Path, astronaut: np.ndarray) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("talking", "late"):
        (data / f"{name}.mp4").hardlink_to(made.data / f"{name}.mp4")
    store = copy_of(made, tmp_path)
    list_clips(data, talking="val", late="train")
    (tmp_path / "passing").mkdir()
    report = prepare(read_clips(tmp_path / "passing" / ".." / "data"), store)
    assert report.tracked == 0, "the files are the same, wherever they lie"
    assert report.entries[0].split == "val"
    assert report.entries[0].source == str(data / "talking.mp4")

    (data / "late.mp4").unlink()
    still(astronaut[:256, 96:352], data / "late.mp4", None)
    report = prepare(read_clips(data), store)
    assert report.tracked == 1
    assert report.entries[1].dropped == "no sound"
    assert not (store / made.row("late").file).exists(), "nothing of the old clip stays"
    assert len(ClipStore.open(store).entries) == 11, "clips that this list does not name stay"


def test_arrays_that_are_gone_are_made_again(made: Made, tmp_path: Path) -> None:
    store = copy_of(made, tmp_path)
    (store / made.row("talking").file).unlink()
    with pytest.raises(DataError, match="prepare the store again"):
        ClipStore.open(store).load(made.row("talking"))
    assert prepare([clip for clip in read_clips(made.data) if clip.name == "talking.mp4"], store).tracked == 1
    assert ClipStore.open(store).load(made.row("talking")).sync_confidence == made.row("talking").sync_confidence


def test_a_clip_that_the_program_failed_on_is_tried_again(made: Made, tmp_path: Path) -> None:
    store = copy_of(made, tmp_path)
    failed = dataclasses.replace(made.row("short"), dropped="failed", note="its process died")
    append_row(store, failed)
    report = prepare(read_clips(made.data), store)
    assert report.tracked == 1
    assert list(report.entries) == list(made.report.entries)


def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(made: Made, tmp_path: Path) -> None:
    arrays = load_file(made.store / made.row("talking").file)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(DataError, match="make room"):
            save_arrays(tmp_path, "talking.mp4", arrays)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_run_that_is_killed_goes_on_where_it_stopped(talking_clip: Path, tmp_path: Path) -> None:
    names = [f"clip{number}" for number in range(4)]
    for name in names:
        (tmp_path / f"{name}.mp4").hardlink_to(talking_clip)
    list_clips(tmp_path, **dict.fromkeys(names, "train"))
    store = tmp_path / "store"
    words = ["prepare", str(tmp_path), "--out", str(store), "--workers", "1", "--json"]
    process = subprocess.Popen([sys.executable, "-m", "rhapsode.cli", *words], start_new_session=True)
    deadline = time.monotonic() + 60
    while not read_index(store):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    until_alone(process.pid)
    with (store / "index.csv").open("a") as index:
        index.write('clip3.mp4,clips/ab/"half a r')  # the worst moment to be killed in

    done = ClipStore.open(store)
    assert 1 <= len(done.entries) < 4
    assert all(len(done.load(entry).times) > 50 for entry in done.entries)
    report = prepare(read_clips(tmp_path), store, workers=1)
    assert report.tracked == 4 - len(done.entries)
    assert [entry.name for entry in report.kept] == [f"{name}.mp4" for name in names]
    assert len(list(csv.DictReader((store / "index.csv").read_text().splitlines()))) == 4


def test_the_example_in_the_docs_reads_the_store(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert "rhapsode" not in example
    exec(example.replace("STORE", str(made.store)), {})
    assert capsys.readouterr().out.startswith("talking.mp4 astronaut (")


def test_the_docs_name_every_column_every_array_and_every_reason(made: Made) -> None:
    text = DOCS.read_text()
    assert f"| `{FAILED}` |" in text
    arrays = load_file(made.store / made.row("talking").file)
    for name in chain((field.name for field in dataclasses.fields(Entry)), arrays):
        assert f"`{name}`" in text, name


def test_clips_are_opened_from_a_store_as_from_recordings(made: Made, tmp_path: Path) -> None:
    from_store = open_store(made.store, tmp_path / "unused").load_all()
    from_recordings = open_store(made.data, made.store).load_all()
    assert [clip.clip for clip in from_store] == [clip.clip for clip in from_recordings]
    assert not (tmp_path / "unused").exists()
    assert [clip.clip.name for clip in open_store(made.store, made.store, split="eval").load_all()] == ["measured.mp4"]
    with pytest.raises(DataError, match="style 'address'"):
        open_store(made.store, made.store, style="address")


def test_every_column_comes_back_from_the_index_with_its_type(tmp_path: Path) -> None:
    entry = Entry(
        name="a,b\"c", file="x", source="y", size=3, modified=2**62, speaker="12", corpus="c", split="train",
        style="1.5", license="none", seconds=1.25, fps=29.97, frames=37, face_share=0.5, eye_distance=60.1,
        av_offset=-0.04, sync_confidence=0.9, sync_model="0123", dropped="", note="", format=2,
    )  # fmt: skip
    write_index(tmp_path, [entry])
    (again,) = read_index(tmp_path).values()
    assert again == entry
    assert [type(value) for value in dataclasses.astuple(again)] == [type(v) for v in dataclasses.astuple(entry)]


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="prepare one from recordings"):
        ClipStore.open(tmp_path)
    (tmp_path / "index.csv").write_text(",".join(field.name for field in dataclasses.fields(Entry)) + "\na,b\n")
    with pytest.raises(DataError, match="not the index"):
        ClipStore.open(tmp_path)


def test_the_command_line_reports_as_text_and_as_json(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["prepare", str(made.data), "--out", str(made.store)]
    assert cli.main(words) == 0
    first, *others = capsys.readouterr().out.splitlines()
    assert "3 of 11 clips kept" in first
    assert any("several faces: 1, such as two.mp4 (a second face in " in line for line in others)
    assert cli.main([*words, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["clips"], facts["kept"], facts["tracked"], facts["measured"]) == (11, 3, 0, 0)
    assert facts["dropped"] == dict(made.report.dropped)


def test_the_command_line_refuses_what_it_cannot_prepare(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, fault in (
        ([str(tmp_path), "--out", str(tmp_path / "store")], "clips.csv"),
        ([str(made.data), "--out", str(made.data / "clips.csv")], "is a file"),
        ([str(made.data), "--out", str(tmp_path / "store"), "--layout", "lrs3"], "no such layout"),
        ([str(made.data), "--out", str(tmp_path / "store"), "--sync-model", str(tmp_path / "gone")], "gone"),
    ):
        assert cli.main(["prepare", *words]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("rhapsode: error: ")
        assert fault in line
    assert not list(tmp_path.iterdir())


def copy_of(made: Made, folder: Path) -> Path:
    store = folder / "copy"
    for path in made.store.rglob("*"):
        if path.is_file():
            to = store / path.relative_to(made.store)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(path.read_bytes())
    return store


def until_alone(session: int) -> None:
    """Wait until no process of a session is left: workers end by themselves when their parent is killed."""
    deadline = time.monotonic() + 30
    while any(group == session for group in groups()):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)


def groups() -> Iterator[int]:
    listing = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        group, state = line.split()
        if not state.startswith("Z"):
            yield int(group)
