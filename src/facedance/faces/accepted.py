"""Which photos of a person were accepted."""

from collections.abc import Container
from pathlib import Path

from facedance.job import InputError
from facedance.tables import read_rows


def accepted_photos(identity: str, table: Path, there: Container[str]) -> dict[str, int]:
    """How the accepted photos of a person's table are turned to show an upright face, by their names.

    Raises:
        InputError: one of them is not there any more.
    """
    accepted = {row["photo"]: int(row["turn"]) for row in read_rows(table) if row["status"] == "accepted"}
    if missing := [name for name in accepted if name not in there]:
        raise InputError(f"{identity}: photo {missing[0]!r} was accepted but is gone; run the faces stage again")
    return accepted
