"""`rhapsode verify`: what does a file say of itself, and does that hold?"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

from rhapsode.cli.fields import Json, Positional, option
from rhapsode.errors import VideoError


@dataclass(frozen=True)
class Verify:
    """The exit code is 0 where nothing was changed since the file was signed.

    It is 2 where something was, or where nothing is signed.
    """

    file: Annotated[Positional[Path], option("FILE")]
    """Video that Rhapsode made, or another file with Content Credentials (C2PA)."""
    output: Annotated[Json, option(name="")] = field(default_factory=Json)

    def run(self) -> None:
        """Validate the file, and print what it says."""
        from rhapsode.credentials.verifying import verify

        found = verify(self.file)
        if self.output.json:
            print(json.dumps({"file": str(self.file)} | asdict(found)))
        if not found.valid:
            raise VideoError(
                f"{self.file}: its Content Credentials do not hold: {found.why}",
                "ask for the file as it was made",
                "credentials-invalid",
            )
        if not self.output.json:
            print(f"{self.file}: the Content Credentials hold; nothing was changed since the file was signed")
            print("\n".join(found.lines()))
