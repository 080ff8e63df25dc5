"""How good pictures are: sharpness by CPBD, likeness by SSIM and PSNR."""

import numpy as np
from scipy.ndimage import convolve
from skimage.feature import canny
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

#: Side of the squares that are measured one by one, pixels; incomplete ones on the right and below are left out.
_BLOCK = 64
#: Share of edge pixels above which a square counts.
_EDGE_SHARE = 0.002
#: Edge widths, pixels, that are just noticeably blurred: in squares of a contrast up to 50, and in all others.
_JUST_BLURRED_FAINT, _JUST_BLURRED = 5.0, 3.0
_BETA = 3.6
_WIDEST = 100
_SOBEL = np.array([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]) / 8


def cpbd(picture: np.ndarray) -> float:
    """Measure sharpness by cumulative probability of blur detection (Narvekar and Karam 2011).

    This is the share of edges that are not seen as blurred. Edge widths are measured along rows, as in the authors'
    code and in the Python package `cpbd`, with which this agrees.

    Args:
        picture: (H, W) grey or (H, W, 3) RGB, uint8.

    Returns:
        0 blurred .. 1 sharp; 0 for a picture without edges.
    """
    # Luma of BT.601 in whole numbers, as the published code has it.
    grey = picture if picture.ndim == 2 else (picture.astype(np.int64) @ (19595, 38470, 7471) + 0x8000) >> 16
    grey = grey.astype(np.float64)
    edges, widths = canny(grey), _edge_widths(grey)
    seen: list[np.ndarray] = []
    for top in range(0, grey.shape[0] - _BLOCK + 1, _BLOCK):
        for left in range(0, grey.shape[1] - _BLOCK + 1, _BLOCK):
            square = slice(top, top + _BLOCK), slice(left, left + _BLOCK)
            if edges[square].mean() <= _EDGE_SHARE:
                continue
            limit = _JUST_BLURRED_FAINT if np.ptp(grey[square]) <= 50 else _JUST_BLURRED
            measured = widths[square][widths[square] > 0]
            seen.append(1 - np.exp(-((measured / limit) ** _BETA)))
    blurred = np.concatenate(seen) if seen else np.zeros(0)
    # An edge at the limit is seen as blurred with a probability of 63 %, counted in whole per cent.
    return float((np.rint(100 * blurred) <= 63).mean()) if len(blurred) else 0.0


def _edge_widths(grey: np.ndarray) -> np.ndarray:
    """Width in pixels of the edges that cross rows (Marziliano et al. 2002), (H, W), 0 elsewhere."""
    down, right = np.gradient(grey)
    turn = np.where(right == 0, 0.0, np.rint(np.arctan2(down, right) / (np.pi / 4)))
    widths = np.where(turn == 0, _slope(grey), 0) + np.where(np.abs(turn) == 4, _slope(-grey), 0)
    widths *= _thin_edges(grey)
    widths[[0, -1]] = 0
    widths[:, [0, -1]] = 0
    return widths


def _slope(grey: np.ndarray) -> np.ndarray:
    """For each pixel, how far grey rises without a break along its row, on both sides of it, pixels."""
    rises = np.diff(grey, axis=1) > 0
    before, after = np.zeros(grey.shape), np.zeros(grey.shape)
    for x in range(1, grey.shape[1]):
        before[:, x] = (before[:, x - 1] + 1) * rises[:, x - 1]
    for x in range(grey.shape[1] - 2, -1, -1):
        after[:, x] = (after[:, x + 1] + 1) * rises[:, x]
    # The pixels next to an edge belong to it whatever they hold.
    left, right = np.roll(before, 1, axis=1), np.roll(after, -1, axis=1)
    return np.minimum(left, _WIDEST) + np.minimum(right, _WIDEST) + 2


def _thin_edges(grey: np.ndarray) -> np.ndarray:
    """Sobel edges, thinned to the pixels that stand out from both neighbours along a row or a column, (H, W) bool."""
    strength = np.square(convolve(grey, _SOBEL))
    strength[strength <= 2 * np.sqrt(strength.mean())] = 0
    around = np.pad(strength, 1)
    along_row = (strength > around[1:-1, :-2]) & (strength > around[1:-1, 2:])
    along_column = (strength > around[:-2, 1:-1]) & (strength > around[2:, 1:-1])
    return along_row | along_column


def ssim(picture: np.ndarray, real: np.ndarray, part: tuple[slice, slice] | None = None) -> float:
    """Measure structural similarity (Wang et al. 2004, with their Gaussian window), 1 for equal pictures.

    Args:
        picture: (H, W) or (H, W, 3), [0, 255].
        real: the same.
        part: rows and columns over which the mean is taken; all but the margin of half a window where None.
    """
    mean, values = structural_similarity(
        picture,
        real,
        channel_axis=2 if picture.ndim == 3 else None,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        full=True,
    )
    return float(mean if part is None else values[part].mean())


def psnr(picture: np.ndarray, real: np.ndarray) -> float:
    """Measure the peak signal to noise ratio of two pictures of one size, uint8, in dB; infinite for equal pictures."""
    if np.array_equal(picture, real):
        return float("inf")
    return float(peak_signal_noise_ratio(real, picture, data_range=255))
