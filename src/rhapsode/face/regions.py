"""Lip, eyelid and iris contours of the 478-point face mesh, finer than the 68 landmarks.

Every contour runs from the picture's left to its right, corner to corner, so that the upper and the lower contour of an
opening share both end points.
"""

from typing import Final

import numpy as np

#: Mesh points of the lips, 11 each: corner, nine points, corner.
UPPER_OUTER_LIP: Final = np.array([61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291])
LOWER_OUTER_LIP: Final = np.array([61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291])
UPPER_INNER_LIP: Final = np.array([78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308])
LOWER_INNER_LIP: Final = np.array([78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308])

#: The landmarks (of the 68) on each lip contour, and at which of the 11 contour points they lie.
UPPER_OUTER_KNOTS: Final = (np.array([48, 49, 50, 51, 52, 53, 54]), np.array([0, 2, 4, 5, 6, 8, 10]))
LOWER_OUTER_KNOTS: Final = (np.array([48, 59, 58, 57, 56, 55, 54]), np.array([0, 2, 4, 5, 6, 8, 10]))
UPPER_INNER_KNOTS: Final = (np.array([60, 61, 62, 63, 64]), np.array([0, 3, 5, 7, 10]))
LOWER_INNER_KNOTS: Final = (np.array([60, 67, 66, 65, 64]), np.array([0, 3, 5, 7, 10]))

#: Mesh points of the lid edges, 9 each: corner, seven points, corner. "Right" is the subject's right.
RIGHT_UPPER_LID: Final = np.array([33, 246, 161, 160, 159, 158, 157, 173, 133])
RIGHT_LOWER_LID: Final = np.array([33, 7, 163, 144, 145, 153, 154, 155, 133])
LEFT_UPPER_LID: Final = np.array([362, 398, 384, 385, 386, 387, 388, 466, 263])
LEFT_LOWER_LID: Final = np.array([362, 382, 381, 380, 374, 373, 390, 249, 263])

#: Mesh points along the lower edge of each brow, from the picture's left to the right.
RIGHT_BROW_EDGE: Final = np.array([46, 53, 52, 65, 55])
LEFT_BROW_EDGE: Final = np.array([285, 295, 282, 283, 276])

#: Mesh points of the irises: the middle, and four on the edge.
RIGHT_IRIS: Final = np.arange(468, 473)
LEFT_IRIS: Final = np.arange(473, 478)
