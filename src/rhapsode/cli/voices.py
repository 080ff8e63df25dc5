"""`rhapsode voices`: the languages that a text can be spoken in."""

import json
from dataclasses import dataclass, field
from typing import Annotated

from rhapsode.cli.fields import Json, option


@dataclass(frozen=True)
class Voices:
    """They are named by --voice of `animate`, by code or by name."""

    output: Annotated[Json, option(name="")] = field(default_factory=Json)

    def run(self) -> None:
        """Print code and language of each."""
        from rhapsode.media.espeak import voice_names

        names = voice_names()
        if self.output.json:
            print(json.dumps(names))
            return
        width = max(map(len, names)) + 2
        for code, name in names.items():
            print(f"{code:<{width}}{name}")
