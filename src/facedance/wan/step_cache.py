"""Denoising steps that are not computed: the prediction goes on as it went, by TaylorSeer (Liu et al. 2025, arXiv 2503.06923).

Of diffusers' hooks this one fits VACE with guidance: first-block cache adds VACE's hints twice where it skips blocks, and pyramid
attention broadcast has one memory for the passes with and without the prompt.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from diffusers import TaylorSeerCacheConfig

_FIRST = 2  # steps computed in any case: a slope needs two values


@contextlib.contextmanager
def extrapolating(transformer: Any, steps: int, interval: int) -> Iterator[None]:
    """Compute the first steps of a denoising of `steps` steps, then one in `interval`, and the last; extrapolate the others.

    Each pass of guidance has a memory of its own. With an interval of 1 nothing is changed.
    """
    if interval == 1:
        yield
        return
    transformer.enable_cache(
        TaylorSeerCacheConfig(
            cache_interval=interval,
            disable_cache_before_step=_FIRST,
            disable_cache_after_step=steps - 1,
            taylor_factors_dtype=torch.float32,
            use_lite_mode=True,  # blocks are skipped, and what comes out of the last layer is extrapolated
        )
    )
    try:
        yield
    finally:
        transformer.disable_cache()
