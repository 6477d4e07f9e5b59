"""A transformer of Wan's class that is small enough to run in every test, and what it gives."""

from typing import Any

import torch
from diffusers import WanVACETransformer3DModel
from torch import Tensor

from facedance.wan.face_branch import FaceSizes

DIM, BLOCKS, FFN, EMBEDDING = 24, 3, 32, 16
FACE_SIZES = FaceSizes(embedding_dim=EMBEDDING, dim=DIM, blocks=BLOCKS, tokens=2, rank=8, width=20)
FACE = torch.nn.functional.normalize(torch.arange(1.0, EMBEDDING + 1).cos(), dim=0)[None, None]


def transformer(dtype: torch.dtype = torch.float32) -> Any:
    torch.manual_seed(0)
    model = WanVACETransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=DIM // 2,
        in_channels=4,
        out_channels=4,
        text_dim=8,
        freq_dim=16,
        ffn_dim=FFN,
        num_layers=BLOCKS,
        vace_layers=[0, 2],
        vace_in_channels=12,
    )
    return model.to(dtype).requires_grad_(False)


@torch.no_grad()
def output(model: Any) -> Tensor:
    """What the transformer predicts for inputs that are always the same."""
    generator = torch.Generator().manual_seed(3)
    latents, control, text = (torch.randn(1, *shape, generator=generator) for shape in [(4, 2, 4, 4), (12, 2, 4, 4), (6, 8)])
    result: Tensor = model(
        hidden_states=latents.to(model.dtype),
        timestep=torch.tensor([500.0]),
        encoder_hidden_states=text.to(model.dtype),
        control_hidden_states=control.to(model.dtype),
        return_dict=False,
    )[0]
    return result


def both_passes(pipeline: Any, latents: Tensor, control: Tensor, texts: tuple[Tensor, Tensor], *, control_scale: float) -> Tensor:
    """What a pipeline's transformer predicts in guidance's pass with the prompt and in that without: (2, C, F, h, w)."""
    found = []
    for name, text in zip(("cond", "uncond"), texts, strict=True):
        with pipeline.transformer.cache_context(name):
            (velocity,) = pipeline.transformer(
                hidden_states=latents,
                timestep=torch.tensor([500.0]),
                encoder_hidden_states=text[None],
                control_hidden_states=control,
                control_hidden_states_scale=torch.tensor([control_scale, control_scale]),
                return_dict=False,
            )
        found.append(velocity)
    return torch.cat(found)
