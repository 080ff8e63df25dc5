"""Fill a store: track clips that are new or were replaced, measure their audio-visual offset, and judge their use."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from rhapsode.data.av_sync import IN_SYNC, SyncModel, load_sync_model, shipped_sync_model
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
from rhapsode.data.workers import ProcessDied, map_in_processes
from rhapsode.errors import DataError
from rhapsode.progress import Progress, no_progress

#: Reason of a clip that made the program fail; unlike the others it is tried again on the next run.
FAILED = "failed"


@dataclass(frozen=True)
class Report:
    """Sum up a preparation.

    Attributes:
        entries: a row for each clip of the list.
        tracked: number of clips that were tracked.
        measured: number of clips whose offset was measured again, without tracking.
    """

    entries: Sequence[Entry]
    tracked: int
    measured: int

    @property
    def kept(self) -> list[Entry]:
        """List the clips that can be used."""
        return [entry for entry in self.entries if not entry.dropped]

    @property
    def dropped(self) -> Counter[str]:
        """Count the clips that were left out, by reason."""
        return Counter(entry.dropped for entry in self.entries if entry.dropped)


def prepare(
    clips: Sequence[Clip],
    store: Path,
    sync_model: Path | None = None,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> Report:
    """Bring a store up to date with a list of clips.

    A clip is tracked if it is new or its source has changed; its offset is measured if it was tracked, or if the sync
    model is another one. Rows are written as clips are done, so that an interrupted run continues where it stopped.
    Clips of the store that are not in the list stay.

    Args:
        clips: what to prepare.
        store: a folder, created where missing.
        sync_model: weights of the Motion Generator that measures offsets; the shipped one where None.
        workers: number of processes; one for each core where None.
        progress: watches the stage `clips`.

    Raises:
        DataError: two clips have the same name, a source does not exist, or the store is damaged.
        WeightsError: the sync model cannot be used.
    """
    sync_model = sync_model or shipped_sync_model()
    key = SyncModel(sync_model).key  # a bad file is refused here, not in every process
    if len({clip.name for clip in clips}) < len(clips):
        twice = Counter(clip.name for clip in clips).most_common(1)[0][0]
        raise DataError(f"{twice}: listed twice", "remove one of the two")
    store.mkdir(parents=True, exist_ok=True)
    sweep(store)
    known = read_index(store)
    asked = [_renewed(store, clip, known.get(clip.name)) for clip in clips]
    rows = known | {entry.name: entry for entry in asked}
    # A new clip stays out of the index until it is done.
    write_index(store, (row for row in rows.values() if row.format))
    to_track = {entry.name for entry in asked if not entry.format}
    to_measure = {entry.name for entry in asked if entry.file and entry.sync_model != key}
    todo = [entry for entry in asked if entry.name in to_track | to_measure]
    for done, (before, after) in enumerate(_spread(todo, store, sync_model, workers), start=1):
        rows[before.name] = after
        append_row(store, after)
        progress("clips", done, len(todo))
    # Another run may have added rows to the same store meanwhile.
    others = {name: row for name, row in read_index(store).items() if name not in rows}
    write_index(store, (rows | others).values())
    return Report([rows[clip.name] for clip in clips], len(to_track), len(to_measure))


def _renewed(store: Path, clip: Clip, known: Entry | None) -> Entry:
    """Give the row of a clip: the known one if its source is the same, else one of format 0, still to be made."""
    try:
        state = clip.path.stat()
    except OSError as error:
        raise DataError(f"{clip.path}: cannot be read ({(error.strerror or '').lower()})", "restore it") from None
    fresh = Entry(
        name=clip.name, file="", source=str(clip.path.resolve()), size=state.st_size, modified=state.st_mtime_ns,
        speaker=clip.speaker, corpus=clip.corpus, split=clip.split, style=clip.style, license=clip.license, format=0,
    )  # fmt: skip
    if known is None or (known.size, known.modified, known.format) != (fresh.size, fresh.modified, FORMAT):
        return fresh
    if known.dropped == FAILED or (known.file and not (store / known.file).is_file()):
        return fresh
    listed = {field: getattr(fresh, field) for field in ("source", "speaker", "split", "style", "license")}
    return _judged(replace(known, **listed))


def _judged(entry: Entry) -> Entry:
    """Leave a clip that is out of sync out of training; clips of the other splits stay, as they are only scored on."""
    if not entry.file:
        return entry
    if entry.split == "train" and entry.sync_confidence < IN_SYNC:
        note = f"the mouth correlates with the sound by {entry.sync_confidence:.2f} only"
        return replace(entry, dropped="out of sync", note=note)
    return replace(entry, dropped="", note="")


def _spread(todo: Sequence[Entry], store: Path, sync_model: Path, workers: int | None) -> Iterator[tuple[Entry, Entry]]:
    if not todo:
        return
    count = min(workers or os.cpu_count() or 1, len(todo))
    for entry, made in map_in_processes(partial(_prepare_one, store, sync_model), todo, count):
        if isinstance(made, ProcessDied):
            made = replace(entry, file="", format=FORMAT, dropped=FAILED, note="its process died")
        yield entry, made


def _prepare_one(store: Path, sync_model: Path, entry: Entry) -> Entry:
    """Track a clip unless that was done before, and measure its offset; runs in a worker process."""
    tracked = None
    made = replace(entry, file="", format=FORMAT)
    # Whatever a clip makes the libraries raise, the other clips must go on.
    try:
        arrays = _kept(store, entry)
        if arrays is None:
            tracked = track_clip(Path(entry.source))
            arrays = tracked.arrays
        model = load_sync_model(sync_model)
        av_offset, sync_confidence = model.measure(as_float(arrays["samples"]), arrays["times"], arrays["landmarks"])
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
            sync_model=model.key,
        )
    )


def _kept(store: Path, entry: Entry) -> dict[str, np.ndarray] | None:
    """Read the arrays of a clip that was tracked before; None where they cannot be read."""
    if not entry.file:
        return None
    try:
        return load_arrays(store, entry)
    except DataError:
        return None


def _left_out(store: Path, entry: Entry, reason: str, note: str) -> Entry:
    # Arrays of an older, usable source may still be there.
    (store / arrays_file(entry.name)).unlink(missing_ok=True)
    return replace(entry, dropped=reason, note=note)
