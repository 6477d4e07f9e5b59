"""Curves of a training that is under way, for TensorBoard and Weights & Biases; metrics.csv has the same when it has ended."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from facedance.job import InputError

Send = Callable[[Mapping[str, float], int], None]
"""Takes values by their names, and the step."""


@contextlib.contextmanager
def curves(name: str, folder: Path, done: int) -> Iterator[Send]:
    """A function that draws values of a step; in TensorBoard, what an interrupted run drew after step `done` is hidden.

    With WANDB_PROJECT in the environment the values, and `name`, go to that project of Weights & Biases too. There a run that
    goes on is the same one: it is known by the name of the folder that `folder` lies in.

    Raises:
        InputError: WANDB_PROJECT is set and wandb is not installed.
    """
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  (a second, and only a training needs it)

    with SummaryWriter(folder, purge_step=done + 1, flush_secs=10) as writer, _wandb(name, folder) as send:

        def draw(values: Mapping[str, float], step: int) -> None:
            for curve, value in values.items():
                writer.add_scalar(curve, value, step)
            send(values, step)

        yield draw


def of_step(row: Mapping[str, Any]) -> dict[str, float]:
    """What is drawn of a step's metrics."""
    losses = {f"{loss}/{row['kind']}": row[loss] for loss in ("loss", "face_loss", "identity_loss")}
    return _known({**losses, "learning_rate": row["lr"]})


def of_validation(row: Mapping[str, Any]) -> dict[str, float]:
    """What is drawn of what the judges say of a validation."""
    return _known({f"validation/{name}": value for name, value in row.items() if name not in {"step", "phase"}})


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}


@contextlib.contextmanager
def _wandb(name: str, folder: Path) -> Iterator[Send]:
    """What sends values to the user's project there; nothing, if the environment names none."""
    if not (project := os.environ.get("WANDB_PROJECT")):
        yield lambda values, step: None
        return
    try:
        import wandb  # type: ignore[import-not-found]  # noqa: PLC0415  (not among the requirements)
    except ModuleNotFoundError:
        raise InputError("WANDB_PROJECT is set, but wandb is not installed: `pip install wandb`, or unset it") from None
    with wandb.init(project=project, name=name, id=folder.parent.name, resume="allow", dir=folder.parent) as run:
        yield lambda values, step: run.log(dict(values), step=step)
