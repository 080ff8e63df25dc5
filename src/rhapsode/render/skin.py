"""How the skin of a picture changes its colour where it is darker or lighter."""

import numpy as np

#: How much deeper the colour of skin is in shadow: 0 the same, 1 as in pictures of real smiles.
_DEPTH = 1.0


def tint(colour: np.ndarray) -> np.ndarray:
    """Give by what a change of brightness is multiplied for each of three colours, when it is a logarithm.

    Light in a fold has met skin more than once: the colours that skin takes away fall more. Grey stays grey.

    Args:
        colour: (3,) of the skin, picture values.

    Returns:
        (3,) float32, about 1.
    """
    depth = np.log(np.maximum(colour, 8.0))
    return np.clip(1 + _DEPTH * (depth.mean() - depth), 0.5, 1.6).astype(np.float32)
