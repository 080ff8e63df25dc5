"""`rhapsode bench`: how fast is it here?"""

import contextlib
import json
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated

from rhapsode.cli.fields import Json, at_least, number_of, option
from rhapsode.cli.terminal import print_status

#: What each figure measures, and its unit.
ROWS = {
    "fps_512": ("512 x 512, encoded", "frames/s"),
    "fps_1080p": ("1080 x 1920, encoded", "frames/s"),
    "motion_ms": ("motion of a frame", "ms"),
    "draw_ms": ("drawing it", "ms"),
    "paint_ms": ("painting its mouth", "ms"),
    "encode_ms": ("encoding it", "ms"),
    "setup_ms": ("known portrait to session", "ms"),
    "setup_new_ms": ("new portrait to session", "ms"),
    "first_frame_ms": ("first sound to first frame", "ms"),
    "latency_ms": ("sound's arrival to its frame", "ms"),
    "import_ms": ("import", "ms"),
    "peak_rss_mb": ("memory of a session", "MB"),
}


@dataclass(frozen=True, kw_only=True)
class Bench:
    """It animates a photograph with a synthesised voice: as a file, and live."""

    runs: Annotated[int, at_least(1), option("N")] = 3
    """Each figure is the median of so many runs."""
    threads: number_of("the processor cores, at most 4") = None  # type: ignore[valid-type]
    """Threads that render frames."""
    keep: Annotated[Path | None, option("FILE", "none")] = None
    """Append the figures, with date and commit, as a line of JSON."""
    output: Annotated[Json, option(name="")] = field(default_factory=Json)

    def run(self) -> None:
        """Measure, and print the figures."""
        from rhapsode.tools.benchmark import measure

        def tell(stage: str, _done: int, _total: int, /) -> None:
            if not self.output.json:
                print_status(f"measuring: {stage}")

        with contextlib.ExitStack() as opened:
            # Opened first: a file that cannot be written is refused before a minute of measuring.
            history = self.keep and opened.enter_context(self.keep.open("a", encoding="utf-8"))
            figures = asdict(measure(self.runs, self.threads, tell))
            if history:
                history.write(json.dumps({"date": date.today().isoformat(), "commit": _commit()} | figures) + "\n")
        if self.output.json:
            print(json.dumps(figures))
            return
        for name, (what, unit) in ROWS.items():
            print(f"{what:<28}{figures[name]:>9.1f} {unit}")
        print(f"{figures['threads']} threads on {figures['processors']} processors, {figures['machine']}")


def _commit() -> str:
    """Give the commit of the checkout that this runs from; empty where there is none."""
    try:
        words = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
