"""Pairs of frames, of a clip that the project itself made."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rhapsode.data.pairs import Pairs, load_pairs, save_pairs
from rhapsode.data.prepare_pairs import choose_targets, make_pairs, prepare_pairs
from rhapsode.data.store import ClipStore
from rhapsode.errors import DataError
from rhapsode.evaluation.clips import RealClip
from rhapsode.render.mouth_window import DRAWN_CHANNELS, WindowSize


@pytest.fixture(scope="module")
def store(clips: list[RealClip], clip_store: Path) -> ClipStore:
    opened = ClipStore.open(clip_store)
    return ClipStore(opened.folder, opened.entries[:1])


@pytest.fixture(scope="module")
def pairs(store: ClipStore) -> list[Pairs]:
    return make_pairs(store, portraits=2, targets=6, workers=1)


def test_real_frames_lie_on_the_portrait_where_the_drawing_has_them(pairs: list[Pairs]) -> None:
    assert len(pairs) == 2
    for one in pairs:
        assert one.drawn.shape == (len(one.real), 64, 64, DRAWN_CHANNELS) and len(one.real) >= 2
        skin = (one.regions == 1) & (one.drawn[..., 4] == 0)
        difference = np.abs(one.drawn[..., :3].astype(float) - one.real).mean(-1)
        # The clip was drawn by the explicit renderer from the same picture, small and compressed.
        assert difference[skin].mean() < 8


def test_targets_are_neighbours_in_time_with_mouths_closed_and_open(pairs: list[Pairs]) -> None:
    for one in pairs:
        assert (np.diff(one.frames[1:])[::2] == 1).all()
        assert one.shapes.shape == (4 + len(one.real), 4)
    openings = np.concatenate([one.opening for one in pairs])
    # Her smile never quite closes.
    assert openings.max() - openings.min() > 0.03


def test_what_is_asked_for_is_one_of_each_share_of_all_openings_and_its_neighbour() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        wide = rng.permutation(np.linspace(0, 1, 91))
        first, then = choose_targets(wide, 6, rng).reshape(-1, 2).T
        assert (then == first + 1).all()
        # Of the 90 frames that have a neighbour after them, one of each third, the narrowest first.
        place = np.argsort(np.argsort(wide[:-1]))[first]
        assert (place // 30 == [0, 1, 2]).all()


def test_pairs_come_back_from_their_file_and_are_made_anew_when_clips_change(
    store: ClipStore, pairs: list[Pairs], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def make(store: ClipStore, size: WindowSize, progress: object) -> list[Pairs]:
        made.append(store)
        return pairs

    monkeypatch.setattr("rhapsode.data.prepare_pairs.make_pairs", make)
    path = tmp_path / "pairs.safetensors"
    first = prepare_pairs(store, path, WindowSize())
    again = prepare_pairs(store, path, WindowSize())
    assert len(made) == 1
    for one, other in zip(first, again, strict=True):
        assert one.speaker == other.speaker and one.own_opening == other.own_opening
        assert np.array_equal(one.real, other.real) and np.array_equal(one.sources, other.sources)
    changed = ClipStore(store.folder, [replace(store.entries[0], modified=1)])
    prepare_pairs(changed, path, WindowSize())
    prepare_pairs(changed, path, WindowSize(side=32))
    assert len(made) == 3


def test_a_damaged_file_is_refused_in_one_line(pairs: list[Pairs], tmp_path: Path) -> None:
    path = tmp_path / "pairs.safetensors"
    save_pairs(pairs, path, "x")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match="remove it and run again"):
        load_pairs(path)
