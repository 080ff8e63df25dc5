"""Manifold projection: a feature of a strange voice, rebuilt from features of a known one.

Lu, Chai, Cao, "Live Speech Portraits" (2021), sect. 4.1; arXiv 2303.09799 takes it over. A feature h is replaced by the
locally linear combination of its K nearest neighbours f_k in a bank of features of the target voice,

    min_w || h - sum_k w_k f_k ||^2   with   sum_k w_k = 1,          h' = h + mix (sum_k w_k f_k - h)

so that what follows hears only what it was trained on.
"""

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from rhapsode.files import reading

#: Banks larger than this are searched by inverted lists (FAISS IVF) instead of one by one.
EXACT = 20_000
#: Lists that are looked into for a feature.
PROBES = 8


class FeatureBank:
    """Features of a voice, and an index that finds the nearest of them."""

    def __init__(self, features: np.ndarray) -> None:
        """Index features.

        Args:
            features: (M, F) float32, such as an audio encoder makes of some minutes of a voice.
        """
        if features.ndim != 2 or not len(features):
            raise ValueError(f"a bank needs features of shape (M, F), M at least 1, not {features.shape}")
        # Here, since few ever project, and the library takes its time to load.
        import faiss

        self.features = np.ascontiguousarray(features, np.float32)
        count, width = self.features.shape
        self._index: Any = faiss.IndexFlatL2(width)
        if count > EXACT:
            lists = int(4 * count**0.5)
            self._index = faiss.IndexIVFFlat(self._index, width, lists)
            self._index.cp.min_points_per_centroid = 1
            self._index.cp.niter = 8
            chosen = np.random.default_rng(0).choice(count, min(count, 40 * lists), replace=False)
            self._index.train(self.features[chosen])
            self._index.nprobe = PROBES
        self._index.add(self.features)

    def __len__(self) -> int:
        return len(self.features)

    def nearest(self, features: np.ndarray, neighbours: int) -> np.ndarray:
        """Rows of the bank nearest to each feature, (T, F) -> (T, K); most of them, beyond `EXACT`."""
        found = self._index.search(np.ascontiguousarray(features, np.float32), min(neighbours, len(self)))[1]
        # Where the lists looked into hold fewer, the first stands in.
        return np.where(found < 0, found[:, :1], found)

    def project(self, features: np.ndarray, mix: float = 1.0, neighbours: int = 10) -> np.ndarray:
        """Bring features to the manifold of the bank.

        Args:
            features: (T, F) float32.
            mix: 0 leaves them as they are, 1 takes the rebuilt ones.
            neighbours: K.

        Returns:
            (T, F) float32.
        """
        if not 0 <= mix <= 1:
            raise ValueError(f"mix={mix}: choose 0 to 1")
        if mix == 0 or not len(features):
            return features
        near = self.features[self.nearest(features, neighbours)]
        away = near - features[:, None]
        gram = away @ away.transpose(0, 2, 1)
        count = gram.shape[1]
        # As in locally linear embedding (Roweis and Saul, 2000): a ridge, since K may exceed the rank.
        ridge = 1e-3 * np.trace(gram, axis1=1, axis2=2) / count + 1e-8
        gram += ridge[:, None, None] * np.eye(count, dtype=np.float32)
        weights = np.linalg.solve(gram, np.ones((len(gram), count, 1), np.float32))
        weights = weights[..., 0] / weights.sum((1, 2))[:, None]
        rebuilt = np.einsum("tk,tkf->tf", weights, near)
        return (features + mix * (rebuilt - features)).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write the features to one safetensors file; the index is made anew on loading."""
        save_file({"features": self.features.astype(np.float16)}, path)

    @classmethod
    def load(cls, path: Path) -> "FeatureBank":
        """Read what `save` wrote.

        Raises:
            WeightsError: if the file is missing, damaged, or no bank.
        """
        with reading(path, "feature bank", "make it anew"):
            return cls(load_file(path)["features"].astype(np.float32))
