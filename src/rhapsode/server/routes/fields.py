"""Fields that requests have in common."""

from typing import Annotated

from fastapi import Form, Path, Query

from rhapsode.server.storage import NUMBER

#: A line: nothing that controls a terminal or ends a string of C.
LINE = r"^[^\x00-\x1f\x7f]*$"

Number = Annotated[str, Path(pattern=NUMBER, description="its id")]
Most = Annotated[int, Query(ge=1, le=500, description="how many at most")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="how many of the newest to leave out")]
Label = Annotated[str, Form(max_length=200, pattern=LINE, description="what you call it")]
StyleName = Annotated[str, Form(min_length=1, max_length=200, pattern=LINE, description="letters, digits, - and _")]
Overwrite = Annotated[bool, Form(description="replace a style of yours of that name")]
