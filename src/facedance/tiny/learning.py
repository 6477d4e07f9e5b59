"""The steps of a training that goes on from its last checkpoint."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from facedance.job import InputError
from facedance.tiny.muon import Muon
from facedance.wan import checkpoint

REPORT_EVERY = 20

_log = logging.getLogger("facedance")


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
) -> pd.DataFrame:
    """Take all steps (from 1) that are left after the last checkpoint in `state`; gives `step` and the losses of every step.

    Args:
        losses: of a step, by name; their sum is what the step makes smaller.

    Raises:
        InputError: a loss is not finite.
    """
    done, rows = 0, []
    if (last := checkpoint.newest(state)) is not None:
        checkpoint.unpack(last.tensors, weights, optimizer, {})
        done, rows = last.step, last.facts["rows"]
        _log.info("going on after step %d of %d", done, steps)
    started = time.monotonic()
    for step in range(done + 1, steps + 1):
        parts = losses(step)
        optimizer.factor = rate_factor(step)
        optimizer.zero_grad()
        torch.stack(list(parts.values())).sum().backward()
        norm = torch.nn.utils.clip_grad_norm_(weights.values(), 1.0).item()
        if not math.isfinite(norm):
            raise InputError(f"the training of the {name} diverged at step {step} (gradient {norm}): lower its rate")
        optimizer.step()
        rows.append({"step": step, **{part: value.item() for part, value in parts.items()}})
        if step % REPORT_EVERY == 0:
            recent = pd.DataFrame(rows[-REPORT_EVERY:]).drop(columns="step").mean()
            means = ", ".join(f"{part} {value:.4f}" for part, value in recent.items())
            _log.info(
                "%s step %d of %d: %s, %.2f s a step", name, step, steps, means, (time.monotonic() - started) / (step - done)
            )
        if step % checkpoint_every == 0 or step == steps:
            checkpoint.save(state, checkpoint.Checkpoint(step, checkpoint.pack(weights, optimizer, {}), {"rows": rows}))
    return pd.DataFrame(rows)
