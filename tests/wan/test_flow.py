"""Flow matching: the path, the loss and the weights of faces."""

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from facedance.wan.flow import box_mask, flow_loss, noised, shifted, velocity


def test_a_step_along_the_velocity_leads_from_noise_to_latents():
    latents, noise = torch.randn(2, 1, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    halfway = noised(latents, noise, 0.5)
    torch.testing.assert_close(halfway - 0.5 * velocity(latents, noise), latents)
    assert torch.equal(noised(latents, noise, 0.0), latents)
    assert torch.equal(noised(latents, noise, 1.0), noise)


def test_shift_moves_levels_towards_noise_and_agrees_with_the_scheduler():
    assert shifted(0.0, 3.0) == 0.0
    assert shifted(1.0, 3.0) == 1.0
    assert shifted(0.25, 1.0) == 0.25
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    levels = np.linspace(1, 1000, 1000)[::-1] / 1000
    np.testing.assert_allclose(scheduler.sigmas.numpy(), [shifted(u, 3.0) for u in levels], rtol=1e-5)


def test_loss_is_zero_only_for_the_right_prediction_and_reaches_it():
    target = torch.randn(1, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    prediction = torch.zeros_like(target, requires_grad=True)
    weight = torch.ones(1, 1, 2, 4, 4)
    loss = flow_loss(prediction, target, weight)
    torch.testing.assert_close(loss, (target**2).mean())
    loss.backward()
    torch.testing.assert_close(prediction.grad, -2 * target / target.numel())
    assert flow_loss(target, target, weight) == 0


def test_loss_ignores_the_scale_of_weights_and_counts_faces_more():
    prediction, target = torch.zeros(1, 1, 1, 1, 2), torch.tensor([1.0, 3.0]).view(1, 1, 1, 1, 2)
    weight = torch.tensor([3.0, 1.0]).view(1, 1, 1, 1, 2)
    torch.testing.assert_close(flow_loss(prediction, target, weight), torch.tensor((3 * 1 + 1 * 9) / 4))
    torch.testing.assert_close(flow_loss(prediction, target, weight), flow_loss(prediction, target, 7 * weight))


def test_box_of_a_latent_frame_covers_the_boxes_of_its_frames():
    boxes = np.full((9, 4), np.nan, np.float32)
    boxes[0] = 0, 0, 16, 16  # of the first latent frame, which stands for one frame
    boxes[2] = 32, 16, 48, 32  # both in frames 1 to 4
    boxes[4] = 16, 16, 40, 32
    mask = box_mask(boxes, frame_size=(64, 64), shape=(3, 16, 16))  # one latent pixel is 4 pixels
    assert mask.shape == (1, 3, 16, 16)
    assert mask[0, 0, 1, 1] == 1
    assert mask[0, 0, 8, 8] == 0
    assert mask[0, 1, 5, 4:12].min() == 1  # x from 16 to 48 is latent 4 to 12
    assert mask[0, 1, 5, :3].max() == 0
    assert mask[0, 1, 5, 13:].max() == 0
    assert mask[0, 2].max() == 0  # no box known


def test_box_edges_are_soft_and_sum_to_the_area():
    mask = box_mask(np.array([[17, 20, 40, 50]], np.float32), (64, 64), (1, 16, 16))
    assert mask.sum().item() == pytest.approx(5.75 * 7.5)
    assert mask[0, 0, 8, 4] == 0.75


def test_boxes_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="8 boxes"):
        box_mask(np.zeros((8, 4), np.float32), (64, 64), (3, 16, 16))
