import numpy as np

from rhapsode.motion.blinks import BlinkStream


def test_people_blink_at_a_human_rate_and_close_their_eyes() -> None:
    lids = BlinkStream(np.random.default_rng(0)).close(60 * 600)
    assert lids.shape == (36000, 2) and lids.min() >= 0 and lids.max() == 1
    starts = (lids[1:, 0] > 0) & (lids[:-1, 0] == 0)
    assert 20 < starts.sum() / 10 < 36, "blinks a minute"


def test_each_blink_closes_faster_than_it_opens_and_holds_for_two_frames_at_25_fps() -> None:
    closure = BlinkStream(np.random.default_rng(1)).close(60 * 30)[:, 0]
    start = int(np.argmax(closure > 0))
    one = closure[start : start + 22]
    shut = np.flatnonzero(one > 0.97)
    assert 3 <= len(shut) <= 6
    assert shut[0] < np.flatnonzero(one > 0)[-1] - shut[-1]


def test_eyes_are_open_at_the_beginning() -> None:
    assert not any(BlinkStream(np.random.default_rng(seed)).close(1).any() for seed in range(50))


def test_rate_zero_is_never() -> None:
    assert (BlinkStream(np.random.default_rng(0), rate=0).close(6000) == 0).all()


def test_lids_in_chunks_blink_as_in_one() -> None:
    whole = BlinkStream(np.random.default_rng(3)).close(900)
    stream = BlinkStream(np.random.default_rng(3))
    assert np.array_equal(np.concatenate([stream.close(7) for _ in range(129)])[:900], whole)


def test_a_copy_blinks_alike() -> None:
    stream = BlinkStream(np.random.default_rng(4))
    stream.close(100)
    twin = stream.copy()
    assert np.array_equal(stream.close(900), twin.close(900))
