"""Which photos of a person were accepted, and whether they are enough."""

from collections import Counter
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


def require_photos(identity: str, table: Path, needed: int) -> None:
    """Refuse to go on when fewer photos of a person's table (csv: photo, status, reason) than needed were accepted.

    Raises:
        InputError: so it is.
    """
    rows = read_rows(table)
    usable = sum(row["status"] == "accepted" for row in rows)
    if usable >= needed:
        return
    kinds = Counter(row["reason"].split(":")[0] for row in rows if row["reason"])
    why = f" ({', '.join(f'{n} {kind}' for kind, n in kinds.most_common())})" if kinds else ""
    raise InputError(
        f"{identity}: {usable} of {len(rows)} photos can be used and {needed} are needed{why}: add sharp photos of this person "
        f"alone, facing the camera ({table} tells about each photo)"
    )
