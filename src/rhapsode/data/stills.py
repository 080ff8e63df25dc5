"""Stills of people, as a folder with a list, `faces.csv`, names them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from rhapsode.data.clips import Clip, listed_but_missing, read_table
from rhapsode.errors import DataError

#: The list of stills in a folder, and the columns that it needs.
STILLS, COLUMNS = "faces.csv", ("path", "person", "split", "license")


def read_stills(folder: Path) -> Iterator[Clip]:
    """Read the list of a folder.

    Yields:
        A still; its style is the expression, where the list tells it.

    Raises:
        DataError: there is no list, or a still that it names is missing.
    """
    table = folder / STILLS
    if not table.is_file():
        raise DataError(f"{table}: no such list of stills", f"name a folder that holds {STILLS}", "no-clips")
    for row in read_table(table, COLUMNS):
        path = folder / row["path"]
        if not path.is_file():
            raise listed_but_missing(path, table)
        yield Clip(path, row["path"], row["person"], row["split"], row.get("expression", ""), row["license"])


def people_of_several(stills: Iterable[Clip]) -> dict[str, list[Clip]]:
    """Give the stills of each person of whom there are two or more, by the person's name, in their order."""
    people: dict[str, list[Clip]] = defaultdict(list)
    for still in stills:
        people[still.speaker].append(still)
    return {person: of for person, of in people.items() if len(of) > 1}
