"""`rhapsode doctor`: is everything there that the program needs?"""

import json
from dataclasses import asdict, dataclass, field
from typing import Annotated

from rhapsode.cli.fields import Json, option


@dataclass(frozen=True, kw_only=True)
class Doctor:
    """The exit code is 0 if all is well, 1 if not."""

    output: Annotated[Json, option(name="")] = field(default_factory=Json)

    def run(self) -> int:
        """Run every check, and print what it found."""
        from rhapsode.tools.doctor import examine

        findings = examine()
        if self.output.json:
            print(json.dumps({"ok": all(one.ok for one in findings), "checks": [asdict(one) for one in findings]}))
        else:
            for one in findings:
                print(f"{'ok  ' if one.ok else 'FAIL'}  {one.name:<12} {one.detail}")
                if one.remedy:
                    print(f"      {'':<12} fix: {one.remedy}")
        return 0 if all(one.ok for one in findings) else 1
