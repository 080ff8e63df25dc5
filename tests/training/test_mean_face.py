from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from rhapsode.training.mean_face import MeanFaceRecipe, train


def test_the_mean_face_of_a_clip_has_its_eye_corners_one_apart(tmp_path: Path, talking_clip: Path) -> None:
    (tmp_path / "talking.mp4").write_bytes(talking_clip.read_bytes())
    (tmp_path / "clips.csv").write_text("path,speaker,split,style,licence\ntalking.mp4,a,train,neutral,x\n")
    face = load_file(train(MeanFaceRecipe(tmp_path, tmp_path / "run", tmp_path / "store")))["mean_face"]
    assert face.shape == (68, 3)
    assert abs(np.linalg.norm(face[45] - face[36]) - 1) < 1e-5
    assert face[8, 1] > face[62, 1] > face[30, 1] > face[27, 1], "chin under lips under nose"
