"""A matte with hair in it: how much of each pixel is the person, by closed-form matting.

Where foreground and background each keep to a line of colours in a small window, the matte there is linear in the
picture. That gives a quadratic form, the matting Laplacian, whose minimum under what is known is the matte (Levin,
Lischinski, Weiss: "A closed-form solution to natural image matting", 2008).
"""

from typing import Final

import cv2
import numpy as np
from scipy import sparse
from scipy.sparse.linalg import cg

#: Variance of colours, of 1, below which a window tells nothing.
_LEAST_VARIANCE: Final = 1e-5
#: Relative error at which the solution is good enough, and iterations at most.
_TOLERANCE, _ITERATIONS = 1e-3, 200
#: A 3 x 3 window, row by row.
_SIDES: Final = (3, 3)
_WINDOW: Final = 9
#: Variance of colours, of 1, in windows through which a matte is enlarged.
_ENLARGED_VARIANCE: Final = 1e-4


def closed_form(image: np.ndarray, known: np.ndarray, prior: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Find a matte, (h, w) float32 in [0, 1].

    Args:
        image: (h, w, 3) float32 RGB in [0, 1].
        known: (h, w) float32, the matte where it is known, NaN where it is not.
        prior: (h, w) float32 in [0, 1], what it is thought to be elsewhere.
        trust: (h, w) float32, how much that is worth; the Laplacian's own diagonal is about 1.
    """
    unknown = np.isnan(known)
    matte = np.nan_to_num(known).astype(np.float32)
    if not unknown.any():
        return matte
    inner, outer, near = _laplacian(image, unknown)
    wanted, weight = prior[unknown], trust[unknown]
    system = inner + sparse.diags(weight)
    scale = sparse.diags(1 / np.maximum(system.diagonal(), 1e-6))
    right = weight * wanted - outer @ matte.ravel()[near]
    found, _ = cg(system, right, x0=wanted, rtol=_TOLERANCE, maxiter=_ITERATIONS, M=scale)
    matte[unknown] = np.clip(found, 0, 1)
    return matte


def enlarged(matte: np.ndarray, image: np.ndarray, full: np.ndarray) -> np.ndarray:
    """Enlarge a matte along the edges of the picture (He, Sun: "Fast guided filter", 2015).

    Args:
        matte: (h, w) float32.
        image: (h, w, 3) float32, the picture at that size.
        full: (H, W, 3) float32, the picture itself.

    Returns:
        (H, W) float32, not clipped.
    """
    # Plane by plane: NumPy is slow along axes of three.
    planes = [np.ascontiguousarray(one) for one in cv2.split(image)]
    means, mean_matte = [cv2.blur(one, _SIDES) for one in planes], cv2.blur(matte, _SIDES)
    with_matte = [cv2.blur(one * matte, _SIDES) - mean * mean_matte for one, mean in zip(planes, means, strict=True)]

    def spread(one: int, other: int) -> np.ndarray:
        blurred = cv2.blur(planes[one] * planes[other], _SIDES) - means[one] * means[other]
        return (blurred + _ENLARGED_VARIANCE * (one == other)).astype(np.float64)

    slopes = _solved([spread(*pair) for pair in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))], with_matte)
    offset = mean_matte - sum(slope * mean for slope, mean in zip(slopes, means, strict=True))
    size = full.shape[1::-1]
    line = [cv2.resize(cv2.blur(one, _SIDES), size, interpolation=cv2.INTER_LINEAR) for one in (*slopes, offset)]
    result: np.ndarray = sum(slope * one for slope, one in zip(line, cv2.split(full), strict=False)) + line[3]
    return result


def _solved(matrix: list[np.ndarray], right: list[np.ndarray]) -> list[np.ndarray]:
    """Solve a symmetric system of three at each pixel, by Cramer's rule; `matrix` is its upper triangle, row by row."""
    a, b, c, d, e, f = matrix
    first, second, third = d * f - e * e, c * e - b * f, b * e - c * d
    scale = 1 / (a * first + b * second + c * third)
    rows = ((first, second, third), (second, a * f - c * c, b * c - a * e), (third, b * c - a * e, a * d - b * b))
    return [(scale * sum(x * y for x, y in zip(row, right, strict=True))).astype(np.float32) for row in rows]


def _laplacian(image: np.ndarray, unknown: np.ndarray) -> tuple[sparse.csr_matrix, sparse.csr_matrix, np.ndarray]:
    """The matting Laplacian's rows of unknown pixels.

    Returns:
        (N, N) among the N unknown pixels, (N, M) towards M known ones, and (M,) the indices of these in the picture.
    """
    height, width = unknown.shape
    near = cv2.dilate(unknown.astype(np.uint8), np.ones((3, 3)), borderType=cv2.BORDER_CONSTANT) > 0
    near[[0, -1]], near[:, [0, -1]] = False, False
    rows, columns = np.nonzero(near)
    steps = np.array([y * width + x for y in (-1, 0, 1) for x in (-1, 0, 1)])
    windows = (rows * width + columns)[:, None] + steps
    colours = image.reshape(-1, 3)[windows]
    apart = colours - colours.mean(1, keepdims=True)
    spread = apart.transpose(0, 2, 1) @ apart / _WINDOW
    spread += np.float32(_LEAST_VARIANCE / _WINDOW) * np.eye(3, dtype=np.float32)
    alike = apart @ np.linalg.solve(spread, apart.transpose(0, 2, 1))
    values = (np.eye(_WINDOW, dtype=np.float32) - (1 + alike) / _WINDOW).ravel()
    rows, columns = np.repeat(windows, _WINDOW, axis=1).ravel(), np.tile(windows, (1, _WINDOW)).ravel()
    inside = unknown.ravel()
    others = np.flatnonzero(~inside)
    number = np.empty(height * width, np.int32)
    number[inside], number[others] = np.arange(inside.sum()), np.arange(len(others))
    mine = inside[rows]
    rows, columns, values = number[rows[mine]], columns[mine], values[mine]
    within = inside[columns]
    count = int(inside.sum())
    inner = sparse.csr_matrix((values[within], (rows[within], number[columns[within]])), (count, count))
    outer = sparse.csr_matrix((values[~within], (rows[~within], number[columns[~within]])), (count, len(others)))
    return inner, outer, others
