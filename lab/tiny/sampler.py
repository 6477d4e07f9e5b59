"""Sampling from the tiny model with any control: what is given, references, and several faces in their regions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facedance.train import checkpoint
from facedance.wan.face_branch import FaceBranch
from facedance.wan.flow import TIMESTEPS
from facedance.wan.load import load_scheduler, load_transformer, load_vae, with_shift
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch
from lab.tiny.fast_transformer import Text, base_block, control_block, predict
from lab.tiny.transformer import weights_of


@dataclass(frozen=True)
class TinyModel:
    """The tiny model with all that sampling needs."""

    transformer: Any
    branch: FaceBranch
    vae: Any
    scheduler: Any
    steps: int

    @torch.no_grad()
    def sample(self, control: Tensor, text: Text, faces: Tensor, scale: Tensor, *, references: int, seed: int) -> Tensor:
        """Latents (z, T', h, w) of a video, without the references in front.

        Args:
            control: (1, c, R + T', h, w).
            faces, scale: as `predict` takes them.
        """
        shape = (1, self.vae.config.z_dim, *control.shape[2:])
        latents = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        self.scheduler.set_timesteps(self.steps)
        for time in self.scheduler.timesteps:
            with torch.autocast("cpu", torch.bfloat16):
                velocity = predict(
                    self.transformer, self.branch, latents, time.reshape(1) / TIMESTEPS, control, text, faces, scale,
                    block=base_block, vace_block=control_block,
                )  # fmt: skip
            latents = self.scheduler.step(velocity, time, latents, return_dict=False)[0]
        return latents[0, :, references:]


def open_tiny(folder: Path, steps: int, flow_shift: float, state: Path | None = None) -> TinyModel:
    """The model in a folder; with `state`, with the averaged weights of the newest checkpoint there.

    Raises:
        FileNotFoundError: there is no whole checkpoint in `state`.
    """
    cpu = torch.device("cpu")
    transformer, branch = load_transformer(folder, torch.float32, cpu), load_face_branch(folder / FACE_BRANCH)
    assert branch is not None
    if state is not None:
        last = checkpoint.newest(state)
        if last is None:
            raise FileNotFoundError(f"no whole checkpoint in {state}")
        with torch.no_grad():
            for name, parameter in weights_of(transformer, branch).items():
                parameter.copy_(last.tensors[f"average/{name}"])
    scheduler = with_shift(load_scheduler(folder), flow_shift)
    return TinyModel(transformer, branch, load_vae(folder, cpu), scheduler, steps)
