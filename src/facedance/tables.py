"""Tables as csv files: whole or absent, and read as the texts that stand in them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from facedance.files import atomic


def write_table(
    path: Path, rows: pd.DataFrame | Sequence[Any], columns: Sequence[str] | None = None, *, digits: int | None = None
) -> None:
    """Write rows, with the columns in this order where they are named; numbers with so many decimals."""
    table = pd.DataFrame(rows, columns=None if columns is None else list(columns))
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, float_format=None if digits is None else f"%.{digits}f", lineterminator="\n")


def read_table(path: Path) -> pd.DataFrame:
    """All cells as texts, just as they stand there: only an empty one is empty, as somebody may be called `null`."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of such a table."""
    return read_table(path).to_dict("records")  # type: ignore[return-value]
