"""Manifold projection: a feature of an unknown voice, rebuilt from features of a known one.

Lu, Chai, Cao, "Live Speech Portraits" (2021), sect. 4.1; arXiv 2303.09799 takes it over. A feature h is replaced by the
locally linear combination of its K nearest neighbours f_k in a bank of features of the target voice,

    min_w || h - sum_k w_k f_k ||^2   with   sum_k w_k = 1,          h' = h + mix (sum_k w_k f_k - h)

so that the Motion Generator reads only features like those that it was trained on.
"""

import numpy as np

from rhapsode.compute import SingleThreadedMatrix

#: Ridge of the least squares, a share of the mean diagonal (Roweis and Saul, 2000): K may exceed the rank.
_RIDGE = 1e-3


class FeatureBank:
    """Features of a voice, in which the nearest ones are found by comparing all."""

    def __init__(self, features: np.ndarray) -> None:
        """Take features.

        Args:
            features: (M, F) float32, such as an audio encoder makes of a voice; styles keep 500 at most.

        Raises:
            ValueError: no features, or not of this shape.
        """
        if features.ndim != 2 or not len(features):
            raise ValueError(f"a bank needs features of shape (M, F), M at least 1, not {features.shape}")
        self.features = np.ascontiguousarray(features, np.float32)
        self._matrix = SingleThreadedMatrix(self.features)
        self._squares = np.square(self.features).sum(1)

    def __len__(self) -> int:
        return len(self.features)

    def nearest(self, feature: np.ndarray, neighbours: int) -> np.ndarray:
        """Find the rows of the bank nearest to a feature, (F,) -> (K,), in no order."""
        count = min(neighbours, len(self))
        # |h - f|^2 without |h|^2, which is the same for all.
        distances = self._squares - 2 * (self._matrix @ feature.astype(np.float32))
        return np.sort(np.argpartition(distances, count - 1)[:count])

    def project(self, features: np.ndarray, mix: float = 1.0, neighbours: int = 10) -> np.ndarray:
        """Bring features to the manifold of the bank.

        Args:
            features: (T, F) float32.
            mix: 0 leaves them as they are .. 1 takes the rebuilt ones.
            neighbours: K.

        Returns:
            (T, F) float32.

        Raises:
            ValueError: `mix` is out of range.
        """
        if not 0 <= mix <= 1:
            raise ValueError(f"mix={mix}: choose 0 to 1")
        if mix == 0 or not len(features):
            return features
        near = self.features[np.stack([self.nearest(feature, neighbours) for feature in features])]
        away = near - features[:, None]
        gram = away @ away.transpose(0, 2, 1)
        count = gram.shape[1]
        ridge = _RIDGE * np.trace(gram, axis1=1, axis2=2) / count + 1e-8
        gram += ridge[:, None, None] * np.eye(count, dtype=np.float32)
        weights = np.linalg.solve(gram, np.ones((len(gram), count, 1), np.float32))
        weights = weights[..., 0] / weights.sum((1, 2))[:, None]
        rebuilt = np.einsum("tk,tkf->tf", weights, near)
        return (features + mix * (rebuilt - features)).astype(np.float32)
