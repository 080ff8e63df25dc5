"""The 68-point landmark set: its points in the face mesh, and its groups.

Points follow the usual 68-point order (jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, outer lips 48-59, inner
lips 60-67). "Right" and "left" are the subject's own; the subject's right is the picture's left.
"""

from typing import Final

import numpy as np

#: Index of each of the 68 landmarks in the 478-point MediaPipe face mesh, shape (68,).
#: The jaw follows the face oval of the mesh in order, at even steps, so that it never doubles back.
MESH_TO_68: Final = np.array(
    [
        *(
            127,
            234,
            93,
            132,
            58,
            172,
            150,
            176,
            152,
            400,
            379,
            397,
            288,
            361,
            323,
            454,
            356,
        ),  # jaw, right to left
        *(70, 63, 105, 66, 107),  # right brow, outer to inner
        *(336, 296, 334, 293, 300),  # left brow, inner to outer
        *(168, 197, 5, 4),  # nose bridge, top to tip
        *(98, 97, 2, 326, 327),  # nostrils, right to left
        *(33, 160, 158, 133, 153, 144),  # right eye: outer, upper lid, inner, lower lid
        *(362, 385, 387, 263, 373, 380),  # left eye: inner, upper lid, outer, lower lid
        *(
            61,
            40,
            37,
            0,
            267,
            270,
            291,
            321,
            314,
            17,
            84,
            91,
        ),  # outer lips, from the right corner over the top
        *(78, 81, 13, 311, 308, 402, 14, 178),  # inner lips, from the right corner over the top
    ],
    dtype=np.intp,
)

JAW: Final = np.arange(0, 17)
RIGHT_BROW: Final = np.arange(17, 22)
LEFT_BROW: Final = np.arange(22, 27)
BROWS: Final = np.arange(17, 27)
NOSE: Final = np.arange(27, 36)
RIGHT_EYE: Final = np.arange(36, 42)
LEFT_EYE: Final = np.arange(42, 48)
EYES: Final = np.arange(36, 48)
OUTER_LIPS: Final = np.arange(48, 60)
INNER_LIPS: Final = np.arange(60, 68)
MOUTH: Final = np.arange(48, 68)

#: Upper and lower lid points that face each other, shape (4, 2): two pairs for the right eye, two for the left.
LID_PAIRS: Final = np.array([[37, 41], [38, 40], [43, 47], [44, 46]])
#: Upper and lower inner-lip points that face each other, shape (3, 2); the middle pair is row 1.
INNER_LIP_PAIRS: Final = np.array([[61, 67], [62, 66], [63, 65]])
#: Points that speech hardly moves: eye corners, nose bridge and nostrils, temples. The pose is fitted to them.
STABLE: Final = np.array([0, 16, 27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45])
