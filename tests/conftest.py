"""What several tests speak to: a real portrait, a spoken sentence, and a talking clip that the project itself made."""

import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from rhapsode.animator import Animator
from rhapsode.credentials.signing import load_c2pa
from rhapsode.data.still_pairs import closing
from rhapsode.errors import InstallationError
from rhapsode.evaluation.clips import RealClip, real_clips
from rhapsode.face.tracker import FaceTracker
from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import Waveform
from rhapsode.options import AnimationOptions
from rhapsode.paint.layers import mouth_layers
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer
from tests.bench import Bench, hum, write_sound
from tests.bench import astronaut as portrait
from tests.browser import browser as browser
from tests.made_up import make_store


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slow tests last."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RHAPSODE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _own_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or makes the user's key; in an environment that is older than what signs, none hears of that."""
    with pytest.MonkeyPatch.context() as patch:
        try:
            load_c2pa()
        except InstallationError:
            patch.setattr(logging.getLogger("rhapsode.credentials.attach"), "disabled", True)
        else:
            from rhapsode.credentials.keys import CERTIFICATE_VARIABLE, KEY_VARIABLE, make_key

            path, made = tmp_path_factory.mktemp("key") / "key.pem", make_key()
            path.write_bytes(made.key + made.certificates)
            patch.setenv(KEY_VARIABLE, str(path))
            patch.setenv(CERTIFICATE_VARIABLE, str(path))
        yield


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, capsys)


@pytest.fixture
def locked_folder() -> Iterator[Path]:
    """A folder that the test may not write to, even where it runs as root."""
    # Not below pytest's own folder, which only its owner may enter.
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        portrait(256).save(folder / "astronaut.png")
        write_sound(folder / "speech.wav", hum(0.4))
        (folder / "old.mp4").touch(0o444)
        folder.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """(512, 512, 3) uint8: a photograph by NASA, in the public domain."""
    return np.asarray(skimage.data.astronaut())


@pytest.fixture(scope="session")
def sentence() -> Waveform:
    return synthesise("Maybe my mother bought a big apple pie today.")


@pytest.fixture(scope="session")
def animator() -> Animator:
    return Animator.from_pretrained()


@pytest.fixture(scope="session")
def talking_clip(
    animator: Animator, astronaut: np.ndarray, sentence: Waveform, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An MP4 of the astronaut saying the sentence, 256 px, 25 fps.

    The product itself made it: whatever is out of step in the product is so here. Timing is tested in `test_timing.py`.
    """
    path = tmp_path_factory.mktemp("clips") / "talking.mp4"
    animator.animate(astronaut[:256, 96:352], sentence, AnimationOptions(head_motion=0.3)).save(path)
    return path


@pytest.fixture(scope="session")
def data_folder(talking_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips that the project itself made: one to learn from, one to score on, with one word timed."""
    folder = tmp_path_factory.mktemp("data")
    rows = []
    for split, name in (("train", "grid/a/one.mp4"), ("test", "grid/b/two.mp4")):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(talking_clip.read_bytes())
        rows.append(f"{name},{name[5]},{split},neutral,x\n")
    (folder / "clips.csv").write_text("path,speaker,split,style,licence\n" + "".join(rows))
    # The sentence begins with its first m.
    (folder / "grid/b/two.align").write_text("0 2500 sil\n2500 20000 maybe\n")
    return folder


@pytest.fixture(scope="session")
def clip_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def clips(data_folder: Path, clip_store: Path) -> list[RealClip]:
    """Those two clips, tracked."""
    return real_clips(data_folder, clip_store)


@pytest.fixture(scope="session")
def stills_folder(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    """A folder of stills with its list: a smile, the same face with closed lips, and a picture of nobody."""
    made = tmp_path_factory.mktemp("faces")
    (made / "stills").mkdir()
    Image.fromarray(astronaut).save(made / "stills/smile.png")
    with FaceTracker() as tracker:
        smiling = MeasuredPortrait.from_image(astronaut, tracker)
    still = np.zeros((2, 2)), np.zeros(3), np.zeros(3)
    shut = Renderer(smiling, mouth_layers(smiling)).render(closing(smiling.rest), *still)
    Image.fromarray(shut).save(made / "stills/shut.png")
    Image.fromarray(np.full((90, 90, 3), 128, np.uint8)).save(made / "stills/nobody.png")
    shown = {"smile": "collins", "shut": "collins", "nobody": "nobody"}
    rows = [f"stills/{name}.png,{who},train,CC0-1.0" for name, who in shown.items()]
    (made / "faces.csv").write_text("\n".join(["path,person,split,license", *rows, ""]))
    return made


@pytest.fixture(scope="session")
def made_up_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of made-up clips, one to learn from, one to choose by, one to score on."""
    return make_store(tmp_path_factory.mktemp("made-up"), ["train", "val", "test"])
