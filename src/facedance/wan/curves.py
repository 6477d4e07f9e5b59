"""Curves of a training that is under way, for TensorBoard; metrics.csv has the same when it has ended."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def curves(folder: Path, done: int) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """A function that draws the row of a step; what an interrupted run drew after step `done` is hidden."""
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  (a second, and only a training needs it)

    with SummaryWriter(folder, purge_step=done + 1, flush_secs=10) as writer:

        def draw(row: Mapping[str, Any]) -> None:
            kind = row["kind"]
            values = {f"loss/{kind}": row["loss"], f"face_loss/{kind}": row["face_loss"], "learning_rate": row["lr"]}
            for name, value in values.items():
                if value is not None:
                    writer.add_scalar(name, value, row["step"])

        yield draw
