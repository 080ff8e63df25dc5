"""`rhapsode prepare`: recordings become a store that training and evaluation read."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rhapsode.cli.fields import Json, Positional, number_of, option
from rhapsode.cli.progress import ProgressDisplay
from rhapsode.errors import DataError
from rhapsode.require import require_torch

if TYPE_CHECKING:
    from rhapsode.data.prepare import Report


@dataclass(frozen=True, kw_only=True)
class Prepare:
    """An interrupted run goes on where it stopped.

    Of a store that is there already, only clips that were added or replaced are tracked.
    """

    source: Annotated[Positional[Path], option("SOURCE")]
    """Folder of recordings: a corpus as published, or your own clips with a clips.csv."""
    out: Annotated[Path, option("FOLDER")]
    """Store to make, or to bring up to date."""
    layout: Annotated[str | None, option("NAME", "recognised by the names of the files")] = None
    """Layout of the source: clips.csv, grid, crema-d, ravdess or voxceleb2."""
    workers: number_of("the processor cores") = None  # type: ignore[valid-type]
    """Processes side by side."""
    sync_model: Annotated[Path | None, option("FILE", "the one of the package")] = None
    """Motion Generator that measures the audio-video offset; another one measures anew, without tracking."""
    output: Annotated[Json, option(name="")] = field(default_factory=Json)

    def run(self) -> None:
        """Prepare the clips, and print what was kept."""
        if self.out.exists() and not self.out.is_dir():
            raise DataError(f"{self.out}: is a file", "name a folder", "bad-path")
        require_torch("rhapsode prepare")
        with ProgressDisplay(self.output.shows_progress) as progress:
            from rhapsode.data.corpora import read_source
            from rhapsode.data.prepare import prepare

            began = time.perf_counter()
            clips = read_source(self.source, self.layout)
            report = prepare(clips, self.out, self.sync_model, self.workers, progress)
        wall = time.perf_counter() - began
        if self.output.json:
            line = {
                "out": str(self.out),
                "clips": len(report.entries),
                "kept": len(report.kept),
                "dropped": dict(report.dropped),
                "seconds": round(sum(entry.seconds for entry in report.kept), 1),
                "tracked": report.tracked,
                "measured": report.measured,
                "wall_s": round(wall, 1),
            }
            print(json.dumps(line))
        else:
            print("\n".join(_describe(self.out, report, wall)))


def _describe(out: Path, report: "Report", wall: float) -> list[str]:
    minutes = sum(entry.seconds for entry in report.kept) / 60
    lines = [
        f"{out}: {len(report.kept)} of {len(report.entries)} clips kept, {minutes:.1f} min; "
        f"{report.tracked} tracked in {wall:.0f} s"
    ]
    for reason, count in report.dropped.most_common():
        first = next(entry for entry in report.entries if entry.dropped == reason)
        lines.append(f"  left out, {reason}: {count}, such as {first.name} ({first.note})")
    return lines
