"""Whether there is anything to render, before hours are spent on training."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from facedance.job import InputError

_MOST_REASONS = 5  # in one sentence


def require_poses(manifests: Sequence[Path]) -> None:
    """Refuse to go on when no clip and no control video of any manifest (csv: clip, status, reason) can be used.

    Raises:
        InputError: there are some, and all of them were rejected.
    """
    table = pd.concat([pd.read_csv(path, dtype=str, keep_default_na=False) for path in manifests], ignore_index=True)
    if not len(table) or (table["status"] == "accepted").any():
        return
    said = [f"{clip}: {reason}" for clip, reason in zip(table["clip"], table["reason"], strict=True)]
    more = [f"and {len(said) - _MOST_REASONS} more"] if len(said) > _MOST_REASONS else []
    raise InputError(f"no dance can be followed, so nothing could be rendered: {'; '.join([*said[:_MOST_REASONS], *more])}")
