"""Denoising that starts from a video."""

from types import SimpleNamespace

import pytest
import torch

from facedance.wan.flow import TIMESTEPS, shifted
from facedance.wan.load import new_scheduler, with_shift
from facedance.wan.start import Start, starting, steps_from


@pytest.mark.parametrize(
    ("level", "steps", "taken"), [(1.0, 5, 5), (0.7, 50, 35), (0.5, 5, 3), (0.3, 5, 2), (0.01, 5, 1), (0.07, 100, 7)]
)
def test_fewer_steps_from_a_lower_level(level, steps, taken):
    assert steps_from(level, steps) == taken


@pytest.mark.parametrize("shift", [1.0, 3.0, 16.0])
@pytest.mark.parametrize("level", [0.2, 0.7])
def test_steps_begin_at_the_level_and_are_spread_as_the_schedulers(level, shift):
    scheduler = with_shift(new_scheduler(), shift)
    pipeline = SimpleNamespace(scheduler=scheduler)
    with starting(pipeline, level):
        assert pipeline.scheduler is not scheduler
        pipeline.scheduler.set_timesteps(4, device="cpu")
        assert pipeline.scheduler.order == scheduler.order
    assert pipeline.scheduler is scheduler
    assert len(scheduler.timesteps) == 4
    assert float(scheduler.sigmas[0]) == pytest.approx(level, abs=1e-6)
    assert float(scheduler.sigmas[-1]) == 0
    before_shift = scheduler.sigmas[:4] / (shift - (shift - 1) * scheduler.sigmas[:4])
    assert before_shift.diff().diff().abs().max() < 1e-5
    assert shifted(before_shift, shift).allclose(scheduler.sigmas[:4], atol=1e-6)
    assert (scheduler.timesteps - TIMESTEPS * scheduler.sigmas[:4]).abs().max() <= 1


def test_from_nothing_but_noise_they_are_the_schedulers_own():
    whole, later = (with_shift(new_scheduler(), 5.0) for _ in range(2))
    whole.set_timesteps(6)
    pipeline = SimpleNamespace(scheduler=later)
    with starting(pipeline, 1.0):
        pipeline.scheduler.set_timesteps(6)
    assert whole.sigmas.equal(later.sigmas)
    assert whole.timesteps.equal(later.timesteps)


def test_a_model_that_knows_the_video_gives_it_back():
    """Whose every velocity is right: the steps then end at the latents, from any level."""
    random = torch.Generator().manual_seed(0)
    latents = torch.randn(2, 3, 4, 4, generator=random)
    for level in (0.3, 0.9):
        sample = Start(latents, level).noised((), torch.Generator().manual_seed(1))
        noise = (sample - (1 - level) * latents) / level
        pipeline = SimpleNamespace(scheduler=with_shift(new_scheduler(), 3.0))
        with starting(pipeline, level):
            pipeline.scheduler.set_timesteps(4)
            for time in pipeline.scheduler.timesteps:
                (sample,) = pipeline.scheduler.step(noise - latents[None], time, sample, return_dict=False)
        assert sample[0].allclose(latents, atol=1e-4)


def test_references_come_in_front_the_last_one_first():
    latents = torch.zeros(2, 3, 4, 4)
    first, last = (torch.full((2, 1, 4, 4), value) for value in (100.0, 200.0))
    known = Start(latents, 0.5).noised((first, last), torch.Generator().manual_seed(0))
    assert known.shape == (1, 2, 5, 4, 4)
    assert known[0].mean((0, 2, 3)).tolist() == pytest.approx([100, 50, 0, 0, 0], abs=1)
    noise = Start(latents, 1.0).noised((), torch.Generator().manual_seed(0))
    assert noise.equal(torch.randn(noise.shape, generator=torch.Generator().manual_seed(0)))
