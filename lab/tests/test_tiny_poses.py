"""The landmarker that teaches the tiny model limbs: it is MediaPipe's own, and sees what is wrong with a body."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
import torch.nn.functional as F

from facedance.poses.landmarker import open_landmarker
from facedance.sample.dancer import dressed
from facedance.sample.person import person
from facedance.wan.load import load_vae
from lab.tiny.blazepose import SIDE, BlazePose
from lab.tiny.fast_vae import encode_normalised, from_bytes
from lab.tiny.masks import drawn_pixels
from lab.tiny.pose_loss import LIMBS, MARGIN, PoseLoss
from lab.world.scene import dance
from lab.world.split import training_identity, training_moves

BY_LITERT = [
    [137.73, 97.04], [73.19, 93.21], [142.67, 133.24], [59.29, 130.16], [142.72, 152.32], [40.91, 152.43], [118.63, 152.01],
    [80.49, 150.74], [142.68, 172.29], [68.90, 172.24], [128.13, 216.73], [63.69, 218.64], [119.39, 223.85], [67.84, 227.69],
    [137.77, 241.30], [51.97, 242.61],
]  # fmt: skip
"""What Google's own program, ai-edge-litert 2.3.0, reads in the astronaut's picture with the same file: `LIMBS`, in pixels."""

ASSETS = Path(__file__).parents[2] / "assets"


@pytest.fixture(scope="module")
def scene():
    rng = np.random.default_rng(3)
    return dance(dressed(person(training_identity(0, 0)[1]), rng), training_moves(), 4, 128, rng)


@pytest.fixture(scope="module")
def frames(scene):
    return from_bytes(torch.from_numpy(scene.frames)).permute(0, 3, 1, 2)  # (T, 3, 128, 128)


@pytest.fixture(scope="module")
def drawn(scene):
    return torch.from_numpy(scene.control.max(-1) > 60)  # (T, 128, 128)


@torch.no_grad()
def test_the_body_is_cut_out_where_the_latents_say_that_it_is_drawn(scene, drawn):
    vae = load_vae(ASSETS / "tiny", torch.device("cpu"))
    poses = encode_normalised(vae, from_bytes(torch.from_numpy(scene.control)).permute(3, 0, 1, 2)[None])[0]  # (z, T, h, w)
    nothing = encode_normalised(vae, -torch.ones(1, 3, 1, 128, 128))[0]
    found = drawn_pixels(vae, torch.cat([poses, nothing], dim=1).transpose(0, 1))
    for seen, true in zip(found, drawn, strict=False):
        for side in (0, 1):
            assert (ends(seen.any(side)) - ends(true.any(side))).abs().max() <= 2
    assert not found[-1].any()


def ends(shown):
    return shown.nonzero()[[0, -1], 0]


def test_its_joints_are_those_of_litert(pose_model):
    picture = torch.from_numpy(skimage.data.astronaut()[::2, ::2].copy()).permute(2, 0, 1)[None] / 255
    joints, _ = BlazePose(pose_model)(picture)
    assert np.abs(joints[0, LIMBS].numpy() - BY_LITERT).max() < 0.02


def test_it_finds_the_joints_where_mediapipe_finds_them(scene, pose_model):
    network, apart, off_peak = BlazePose(pose_model), [], []
    with open_landmarker(pose_model, "image") as landmarker:
        for frame in scene.large:
            wanted = landmarker.detect(frame)[0][:, :2]
            side = round(MARGIN * float(np.ptp(wanted, 0).max()))
            x, y = (wanted.min(0) + wanted.max(0) - side).astype(int) // 2
            padded = F.pad(torch.from_numpy(frame).permute(2, 0, 1) / 255, [SIDE] * 4)
            cut = padded[:, SIDE + y : SIDE + y + side, SIDE + x : SIDE + x + side]
            joints, heat = network(F.interpolate(cut[None], size=(SIDE, SIDE), mode="bilinear"))
            joints, peaks = joints[0, LIMBS].numpy(), heat[0, LIMBS].flatten(1).argmax(1)
            apart += [*np.linalg.norm(joints - (wanted[LIMBS] - [x, y]) * SIDE / side, axis=-1)]
            off_peak += [*np.linalg.norm(joints / 4 - np.stack([peaks % 64, peaks // 64], -1), axis=-1)]
    assert np.median(apart) < 0.03 * SIDE  # their cuts are not the same
    assert np.median(off_peak) < 0.03 * 64


def test_it_misses_limbs_that_are_elsewhere_or_not_there(frames, drawn, pose_model):
    loss = PoseLoss(pose_model)

    def against(pictures):
        return loss(pictures, frames, drawn, 2.0, torch.Generator().manual_seed(0))

    same = against(frames)
    blurred = F.interpolate(F.avg_pool2d(frames, 8), size=frames.shape[-2:], mode="bilinear")
    assert same < 0.02
    assert against(blurred) > 2 * same
    assert against(frames.flip(3)) > 2 * same


def test_it_says_how_a_picture_would_be_better(frames, drawn, pose_model):
    loss = PoseLoss(pose_model)
    guess = F.interpolate(F.avg_pool2d(frames, 4), size=frames.shape[-2:], mode="bilinear").requires_grad_()
    before = loss(guess, frames, drawn, 2.0, torch.Generator().manual_seed(0))
    (slope,) = torch.autograd.grad(before, guess)
    after = loss(guess - 2e-3 * before * slope / slope.square().sum(), frames, drawn, 2.0, torch.Generator().manual_seed(0))
    assert after < before


def test_no_body_is_no_loss(frames, drawn, pose_model):
    assert PoseLoss(pose_model)(frames[:0], frames[:0], drawn[:0], 2.0, torch.Generator()) == 0
