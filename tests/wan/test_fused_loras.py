"""LoRAs in the weights do what they do beside them, cost nothing, and leave no trace."""

from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from facedance.wan.adapter import apply_adapters
from facedance.wan.differences import fuse_loras
from facedance.wan.lora_files import load_foreign_lora, remove_loras
from tests.wan.small_transformer import DIM, FACE, output, transformer
from tests.wan.test_adapter import trained
from tests.wan.test_lora_reading import BLOCK, named, save


def rendered(model, tmp_path: Path, *, fused: bool) -> Tensor:
    """With two people's LoRAs and another program's, which has biases too."""
    adapters = {name: (trained(seed, tmp_path / f"{name}.safetensors"), 0.5) for seed, name in enumerate("ab", 5)}
    branch = apply_adapters(model, adapters, 1.0)
    others = named("diffusion_model.") | {
        f"{BLOCK}self_attn.q.diff_b": torch.ones(DIM),
        f"{BLOCK}cross_attn.k.diff": torch.ones(DIM, DIM),
    }
    load_foreign_lora(model, save(tmp_path / "c.safetensors", others), 0.1)
    if fused:
        fuse_loras(model)
    assert branch is not None
    with branch.condition(FACE, 1.0):
        made = output(model)
    remove_loras(model, branch)
    return made


def test_they_do_the_same_and_leave_the_transformer_as_it_was(tmp_path):
    model = transformer()
    base, keys = output(model), list(model.state_dict())
    beside, within = (rendered(model, tmp_path, fused=fused) for fused in (False, True))
    assert not torch.allclose(within, base, atol=0.05)
    torch.testing.assert_close(within, beside, rtol=0, atol=2e-5)
    assert torch.equal(output(model), base)
    assert list(model.state_dict()) == keys


def test_a_pass_costs_what_it_costs_without_them(tmp_path):
    model, adapters = transformer(), {"a": (trained(5, tmp_path / "a.safetensors"), 1.0)}

    def work() -> int:
        with FlopCounterMode(display=False) as counter:
            output(model)
        return counter.get_total_flops()

    without = work()
    branch = apply_adapters(model, adapters, 1.0)
    assert work() > 1.01 * without
    fuse_loras(model, for_good=True)
    assert work() == without
    remove_loras(model, branch)
    assert work() == without
