"""The steps of a training that goes on from its last checkpoint."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from facedance.config.base import Section
from facedance.files import digest, sha256
from facedance.job import InputError
from facedance.train import checkpoint
from lab.tiny.muon import Muon

REPORT_EVERY = 20
MAX_NORM = 1.0  # of the gradient
_EARLY = 20  # the average begins with a decay of a tenth, which grows to its own

_log = logging.getLogger("facedance")


def state_folder(parent: Path, settings: Any, files: Iterable[Path]) -> Path:
    """Where in `parent` the checkpoints of a training with these settings (as JSON has them) on these files lie: another one
    does not go on with them."""
    return parent / digest([settings, *map(sha256, files)])[:16]


def round_folders(parent: Path, settings: Any, rounds: Sequence[Section], files: Iterable[Path]) -> list[Path]:
    """As `state_folder`, for each of several rounds of a training, which goes on from those before it.

    Its own `steps` and `decay` are not told: a round that is to end sooner goes on from where it is.
    """
    made_by = [settings, *map(sha256, files)]
    whole = [part.model_dump(mode="json") for part in rounds]
    own = [part.model_dump(mode="json", exclude={"steps", "decay"}) for part in rounds]
    return [state_folder(parent, [made_by, *whole[:number], part], ()) for number, part in enumerate(own)]


def learn(
    name: str,
    weights: Mapping[str, nn.Parameter],
    optimizer: Muon,
    losses: Callable[[int], Mapping[str, Tensor]],
    *,
    steps: int,
    rate_factor: Callable[[int], float],
    checkpoint_every: int,
    state: Path,
    ema: float = 0.0,
) -> pd.DataFrame:
    """Take all steps (from 1) that are left after the last checkpoint in `state`; gives `step` and the losses of every step.

    Args:
        losses: of a step, by name; their sum is what the step makes smaller.
        ema: decay of the weights' moving average, which takes their place after the last step; 0 keeps none.

    Raises:
        InputError: the gradient is not finite.
    """
    average = {key: parameter.detach().clone() for key, parameter in weights.items()} if ema else {}
    done, rows = 0, []
    if (last := checkpoint.newest(state)) is not None:
        checkpoint.unpack(last.tensors, weights, optimizer, average)
        done, rows = last.step, last.facts["rows"]
        _log.info("going on after step %d of %d", done, steps)
    started = time.monotonic()
    for step in range(done + 1, steps + 1):
        parts = losses(step)
        optimizer.factor = rate_factor(step)
        optimizer.zero_grad()
        torch.stack(list(parts.values())).sum().backward()
        norm = torch.nn.utils.clip_grad_norm_(weights.values(), MAX_NORM).item()
        if not math.isfinite(norm):
            raise InputError(f"the training of the {name} diverged at step {step} (gradient {norm}): lower its rate")
        optimizer.step()
        _follow(average, weights, min(ema, (step + 1) / (step + _EARLY)))
        rows.append({"step": step, **{part: value.item() for part, value in parts.items()}})
        if step % REPORT_EVERY == 0:
            recent = pd.DataFrame(rows[-REPORT_EVERY:]).drop(columns="step").mean()
            means = ", ".join(f"{part} {value:.4f}" for part, value in recent.items())
            _log.info(
                "%s step %d of %d: %s, %.2f s a step", name, step, steps, means, (time.monotonic() - started) / (step - done)
            )
        if step % checkpoint_every == 0 or step == steps:
            checkpoint.save(state, checkpoint.Checkpoint(step, checkpoint.pack(weights, optimizer, average), {"rows": rows}))
    with torch.no_grad():
        for key, value in average.items():
            weights[key].copy_(value)
    return pd.DataFrame(rows)


@torch.no_grad()
def _follow(average: Mapping[str, Tensor], weights: Mapping[str, nn.Parameter], decay: float) -> None:
    if average:
        torch._foreach_lerp_(list(average.values()), [weights[key].detach() for key in average], 1 - decay)
