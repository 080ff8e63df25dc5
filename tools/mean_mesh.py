"""Average the meshes of official portraits to the mean mesh, which is laid on faces that no network measures.

    python tools/mean_mesh.py FACES src/rhapsode/weights

FACES is a folder of pictures of one face each, seen from the front. The quarter of them whose lips are closest is used.
"""

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import save
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from rhapsode.bundle import Facts, write_manifest
from rhapsode.face.geometry import fit_pose, to_canonical
from rhapsode.face.mouth import lip_opening
from rhapsode.face.tracker import FaceTracker
from rhapsode.files import atomic_write
from rhapsode.media.picture import load_picture

_NAME = "face/mean_mesh.safetensors"
#: Degrees by which a head may be turned.
_TURNED = 12.0


def main() -> None:
    """Measure, average, balance left and right, and write the file and its row in the manifest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("weights", type=Path)
    chosen = parser.parse_args()
    meshes, openings = [], []
    with FaceTracker() as tracker:
        for path in sorted(chosen.faces.glob("*.jpg")):
            for face in tracker.detect(load_picture(path))[:1]:
                pose = fit_pose(face.landmarks[None].astype(np.float64))
                if np.degrees(np.linalg.norm(pose.rotation)) < _TURNED:
                    meshes.append(to_canonical(face.mesh[None].astype(np.float64), pose)[0])
                    openings.append(lip_opening(to_canonical(face.landmarks[None].astype(np.float64), pose))[0])
    closed = np.argsort(openings)[: len(openings) // 4]
    mean = np.mean([meshes[number] for number in closed], axis=0)
    mirrored = mean * [-1, 1, 1]
    _, partner = linear_sum_assignment(cdist(mean, mirrored))
    balanced = (mean + mirrored[partner]) / 2
    atomic_write(chosen.weights / _NAME, save({"mean_mesh": balanced.astype(np.float32)}))
    facts = Facts(
        "Apache-2.0",
        {"command": "python tools/mean_mesh.py FACES FOLDER"},
        "official portraits (US government, public domain)",
    )
    write_manifest(chosen.weights, {_NAME: facts}, None)
    print(f"{len(closed)} of {len(meshes)} portraits; {np.abs(mean - balanced).max():.3f} unlike left to right")


if __name__ == "__main__":
    main()
