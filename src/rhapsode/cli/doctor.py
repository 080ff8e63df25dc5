"""`rhapsode doctor`: is everything there that the program needs?"""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from rhapsode.cli.options import Debug


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as one line of JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Check the installation, and say how to mend what is wrong.

    Exit code 0 if all is well, 1 if not.
    """
    from rhapsode.tools.doctor import examine

    findings = examine()
    if as_json:
        typer.echo(json.dumps({"ok": all(one.ok for one in findings), "checks": [asdict(one) for one in findings]}))
    else:
        for one in findings:
            typer.echo(f"{'ok  ' if one.ok else 'FAIL'}  {one.name:<12} {one.detail}")
            if one.remedy:
                typer.echo(f"      {'':<12} to mend: {one.remedy}")
    if not all(one.ok for one in findings):
        raise typer.Exit(1)
