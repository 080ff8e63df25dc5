"""Fill a store: track every clip that is new or was replaced, measure its lag, and judge whether it can be used."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from rhapsode.data.av_sync import SURE, SyncModel, load_sync_model, shipped_sync_model
from rhapsode.data.clips import Clip
from rhapsode.data.index import (
    FORMAT,
    Entry,
    append_row,
    arrays_file,
    as_float,
    load_arrays,
    read_index,
    save_arrays,
    sweep,
    write_index,
)
from rhapsode.data.tracking import UnusableClipError, track_clip
from rhapsode.data.workers import map_in_processes
from rhapsode.errors import DataError

#: Why a clip is left out that the program itself could not cope with; unlike the others it is tried again.
FAILED = "failed"


@dataclass(frozen=True)
class Report:
    """What a preparation did.

    Attributes:
        entries: a row for each clip that was asked for.
        tracked: how many were tracked.
        measured: how many were listened to again, without tracking.
    """

    entries: Sequence[Entry]
    tracked: int
    measured: int

    @property
    def kept(self) -> list[Entry]:
        """The clips that can be used."""
        return [entry for entry in self.entries if not entry.dropped]

    @property
    def dropped(self) -> Counter[str]:
        """How many clips were left out, by reason."""
        return Counter(entry.dropped for entry in self.entries if entry.dropped)


def prepare(
    clips: Sequence[Clip],
    store: Path,
    sync_model: Path | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Bring a store up to date with a list of clips.

    A clip is tracked if it is new or its source has changed, and its lag measured if it was tracked or the ear is
    another. Rows are written as clips are done, so that an interrupted run goes on where it stopped; clips of the
    store that are not in the list stay.

    Args:
        clips: what to prepare.
        store: a folder, made where missing.
        sync_model: weights of the Motion Generator that measures lags; the shipped ones where None.
        workers: processes side by side; one for each processor core where None.
        progress: called with (clips done, clips to do).

    Raises:
        DataError: if two clips have one name, a source is gone, or the store is damaged.
        WeightsError: if the ear cannot be used.
    """
    sync_model = sync_model or shipped_sync_model()
    key = SyncModel(sync_model).key  # a file that is none is refused here, not in every process
    if len({clip.name for clip in clips}) < len(clips):
        twice = Counter(clip.name for clip in clips).most_common(1)[0][0]
        raise DataError(f"{twice}: named twice in one list; remove one of the two")
    store.mkdir(parents=True, exist_ok=True)
    sweep(store)
    known = read_index(store)
    asked = [_renewed(store, clip, known.get(clip.name)) for clip in clips]
    rows = known | {entry.name: entry for entry in asked}
    # What is new stays out of the index until it is done.
    write_index(store, (row for row in rows.values() if row.format))
    to_track = {entry.name for entry in asked if not entry.format}
    to_measure = {entry.name for entry in asked if entry.file and entry.sync_model != key}
    todo = [entry for entry in asked if entry.name in to_track | to_measure]
    for done, (before, after) in enumerate(_spread(todo, store, sync_model, workers), start=1):
        rows[before.name] = after
        append_row(store, after)
        if progress:
            progress(done, len(todo))
    # Another run may have filled the same store meanwhile.
    others = {name: row for name, row in read_index(store).items() if name not in rows}
    write_index(store, (rows | others).values())
    return Report([rows[clip.name] for clip in clips], len(to_track), len(to_measure))


def _renewed(store: Path, clip: Clip, known: Entry | None) -> Entry:
    """The row of a clip: what is known of it if its source is the same, else one of format 0, still to be made."""
    try:
        state = clip.path.stat()
    except OSError as error:
        raise DataError(f"{clip.path}: cannot be read ({(error.strerror or '').lower()}); restore it") from None
    fresh = Entry(
        name=clip.name, file="", source=str(clip.path.absolute()), size=state.st_size, modified=state.st_mtime_ns,
        speaker=clip.speaker, corpus=clip.corpus, split=clip.split, style=clip.style, license=clip.license, format=0,
    )  # fmt: skip
    if known is None or (known.size, known.modified, known.format) != (fresh.size, fresh.modified, FORMAT):
        return fresh
    if known.dropped == FAILED or (known.file and not (store / known.file).is_file()):
        return fresh
    listed = {field: getattr(fresh, field) for field in ("source", "speaker", "split", "style", "license")}
    return _judged(replace(known, **listed))


def _judged(entry: Entry) -> Entry:
    """Leave out of training what is out of step; clips that are only measured on stay, whatever their sound does."""
    if not entry.file:
        return entry
    if entry.split == "train" and entry.sync_confidence < SURE:
        note = f"the lips agree with the sound by {entry.sync_confidence:.2f} of 1"
        return replace(entry, dropped="out of step", note=note)
    return replace(entry, dropped="", note="")


def _spread(todo: Sequence[Entry], store: Path, sync_model: Path, workers: int | None) -> Iterator[tuple[Entry, Entry]]:
    if not todo:
        return
    count = min(workers or os.cpu_count() or 1, len(todo))
    for entry, made in map_in_processes(partial(_prepare_one, store, sync_model), todo, count):
        yield entry, made or replace(entry, format=FORMAT, dropped=FAILED, note="its process died")


def _prepare_one(store: Path, sync_model: Path, entry: Entry) -> Entry:
    """Track a clip where its row is still to be made, and measure its lag; in a process of its own."""
    torch.set_num_threads(1)
    tracked = None
    made = replace(entry, file="", format=FORMAT)
    # Whatever a clip does to the libraries that read it, the others are still to come.
    try:
        arrays = _kept(store, entry)
        if arrays is None:
            tracked = track_clip(Path(entry.source))
            arrays = tracked.arrays
        heard = load_sync_model(sync_model)
        av_offset, sync_confidence = heard.measure(as_float(arrays["samples"]), arrays["times"], arrays["landmarks"])
    except UnusableClipError as error:
        return _left_out(store, made, error.reason, error.note)
    except Exception as error:
        return _left_out(store, made, FAILED, " ".join(f"{type(error).__name__}: {error}".split()))
    if tracked is not None:
        save_arrays(store, entry.name, arrays)
        made = replace(
            made,
            seconds=round(tracked.seconds, 3),
            fps=round(tracked.fps, 3),
            frames=tracked.frames,
            face_share=round(tracked.face_share, 3),
            eye_distance=round(tracked.eye_distance, 1),
        )
    file = arrays_file(entry.name)
    return _judged(
        replace(
            made,
            file=file,
            av_offset=round(av_offset, 4),
            sync_confidence=round(sync_confidence, 3),
            sync_model=heard.key,
        )
    )


def _kept(store: Path, entry: Entry) -> dict[str, np.ndarray] | None:
    """The arrays of a clip whose row is made already, where they can be read."""
    if not entry.file:
        return None
    try:
        return load_arrays(store, entry)
    except DataError:
        return None


def _left_out(store: Path, entry: Entry, reason: str, note: str) -> Entry:
    # The source may have been usable before it was replaced.
    (store / arrays_file(entry.name)).unlink(missing_ok=True)
    return replace(entry, dropped=reason, note=note)
