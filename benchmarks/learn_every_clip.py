"""Whether a style can be learnt from every clip of a folder: each is read, and its style taken, kept and applied.

    python benchmarks/learn_every_clip.py FOLDER [--every N]

The cheapest setting: statistics alone (`rhapsode.style_from_clip`). What is refused is listed with its reason; one
line that says what to do is right for a silent clip, and wrong for one with a face that speaks.
"""

import argparse
import logging
import resource
import tempfile
import time
from pathlib import Path

from rhapsode import style_from_clip
from rhapsode.bundle import Bundle
from rhapsode.errors import RhapsodeError
from rhapsode.media.reader import is_video
from rhapsode.motion.generator import MotionGenerator
from rhapsode.motion.model import SpeechModel
from rhapsode.style.style import Style


def main() -> None:
    """Try every clip, and tell what went wrong and what it cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="try one in so many clips")
    chosen = parser.parse_args()
    logging.getLogger("rhapsode").setLevel(logging.ERROR)
    generator = SpeechModel.load(Bundle.load()).generator
    clips = [path for path in sorted(chosen.folder.rglob("*")) if path.is_file() and is_video(path)][:: chosen.every]
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        refused = sum(not _learns(clip, Path(folder) / "style.safetensors", generator) for clip in clips)
    spent = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(clips) - refused} of {len(clips)} clips; {spent / len(clips):.1f} s of a core each, {peak:.0f} MB")


def _learns(clip: Path, file: Path, generator: MotionGenerator) -> bool:
    """Try one clip; tell why it is refused."""
    try:
        style_from_clip(clip).save(file)
        Style.load(file).scaled(1.5).apply(generator)
    except RhapsodeError as error:
        print(f"refused: {error}", flush=True)
        return False
    return True


if __name__ == "__main__":
    main()
