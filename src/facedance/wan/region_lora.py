"""LoRAs of several people at once, each on the tokens of one region only.

A LoRA on a linear layer works token by token, so a region is a weight for each token. The layers' own weights stay as they are:
tokens outside of all regions get what the base model's layer gives, to the bit, and a region that is everything gives what the
LoRA gives everywhere.

Keys and values of the text are of no place, so a LoRA on them makes keys and values of its own, which the tokens of its region
attend to in place of the base model's (`words_by_region`).
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from facedance.regions.tokens import Region

_OF_TEXT = re.compile(r"blocks\.\d+\.attn2\.to_[kv]")

Pairs = Mapping[str, tuple[Tensor, Tensor]]
"""The LoRA of one dancer: lora_A (rank, in) and lora_B (out, rank) by layer, with all strengths in lora_B."""


class RegionLinear(nn.Module):
    """A linear layer with LoRAs, by dancer, that act on the tokens of their regions."""

    acting: tuple[tuple[nn.Sequential, Region], ...] = ()
    """The LoRAs that act at present, and where."""

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.loras = nn.ModuleDict()

    def add(self, dancer: int, down: Tensor, up: Tensor) -> None:
        """Add the LoRA of a dancer: (rank, in) and (out, rank)."""
        pair = nn.Sequential(*(nn.Linear(t.shape[1], t.shape[0], bias=False, device="meta") for t in (down, up)))
        pair.load_state_dict({"0.weight": down, "1.weight": up}, assign=True)
        self.loras[str(dancer)] = pair.requires_grad_(False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Of tokens (B, L, in): (B, L, out)."""
        out: Tensor = self.base_layer(tokens)
        for (down, up), region in self.acting:
            out = region.add(out, up(region.weighed(down(region.of(tokens)))))
        return out


class TextLinear(RegionLinear):
    """One whose input is the text: what it gives is the base layer's, and `own` is that of a dancer."""

    def forward(self, tokens: Tensor) -> Tensor:
        out: Tensor = self.base_layer(tokens)
        return out

    def own(self, tokens: Tensor) -> Iterator[tuple[Region, Tensor]]:
        """For each region, tokens (B, N, in) as its LoRA makes them: (B, N, out)."""
        base = self.base_layer(tokens)
        yield from ((region, base + lora(tokens)) for lora, region in self.acting)


def add_region_loras(transformer: Any, loras: Mapping[int, Pairs]) -> None:
    """Put LoRAs of dancers, by their numbers, on a transformer; they act inside `acting_in`."""
    for dancer, pairs in loras.items():
        for name, (down, up) in pairs.items():
            layer = transformer.get_submodule(name)
            if not isinstance(layer, RegionLinear):
                layer = (TextLinear if _OF_TEXT.fullmatch(name) else RegionLinear)(layer)
                transformer.set_submodule(name, layer)
            layer.add(dancer, *(tensor.to(transformer.device, transformer.dtype) for tensor in (down, up)))


@contextlib.contextmanager
def acting_in(transformer: Any, regions: Mapping[int, Region | None]) -> Iterator[None]:
    """Let the LoRA of each dancer act in their region inside the block; nowhere where there is none."""
    layers = [layer for layer in transformer.modules() if isinstance(layer, RegionLinear)]
    for layer in layers:
        places = ((layer.loras[dancer], regions.get(int(dancer))) for dancer in layer.loras)
        layer.acting = tuple((lora, place) for lora, place in places if isinstance(lora, nn.Sequential) and place is not None)
    try:
        yield
    finally:
        for layer in layers:
            layer.acting = ()


def remove_region_loras(transformer: Any) -> None:
    """Take off what `add_region_loras` put on: the layers are those of before."""
    for name, layer in [(n, m) for n, m in transformer.named_modules() if isinstance(m, RegionLinear)]:
        transformer.set_submodule(name, layer.base_layer)


def words_by_region(attention: Any, text: Tensor | None) -> list[tuple[Region, Tensor, Tensor]]:
    """Keys, not yet normalised, and values (B, N, dim) of the text as the LoRA of each region makes them.

    Args:
        attention: a base block's attention to the text (B, N, dim).
    """
    layers = [attention.to_k, attention.to_v]
    acting = next((layer.acting for layer in layers if isinstance(layer, TextLinear)), ())
    if text is None or not acting:
        return []
    keys, values = (
        [made for _, made in layer.own(text)] if isinstance(layer, TextLinear) else [layer(text)] * len(acting)
        for layer in layers
    )
    return [(region, key, value) for (_, region), key, value in zip(acting, keys, values, strict=True)]
