"""Several people at once: each one's face and LoRA on the tokens of their region, and the base model outside."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.testing import CompileCounter

from facedance.config.render_settings import RenderSettings
from facedance.job import InputError
from facedance.regions.tokens import Region, region
from facedance.wan.adapter import Adapter, apply_adapters, apply_cast, remove_adapters
from facedance.wan.face_branch import FaceBranch, PlacedFace
from facedance.wan.guidance import guided
from facedance.wan.region_lora import RegionLinear, TextLinear, acting_in, add_region_loras
from tests.wan.small_transformer import BLOCKS, FACE, both_passes, output, transformer
from tests.wan.test_adapter import CONFIG, trained

PATCH, SHAPE = (1, 2, 2), (2, 4, 4)  # of the transformer; T', h, w of what `output` gives it
ALL = ("to_q", "to_k", "to_v", "to_out.0", "ffn.net.0.proj", "ffn.net.2")
SETTINGS = RenderSettings(guidance_scale=3.0)


def part_of(**where: slice) -> Region:
    part = torch.zeros(SHAPE)
    part[where.get("t", slice(None)), where.get("y", slice(None)), where.get("x", slice(None))] = 1
    found = region(part, PATCH)
    assert found is not None
    return found


LEFT, RIGHT, EVERYTHING = part_of(x=slice(0, 2)), part_of(x=slice(2, 4)), part_of()


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[Adapter, Adapter]:
    folder = tmp_path_factory.mktemp("people")
    config = CONFIG.__class__(**{**vars(CONFIG), "lora_targets": ALL})
    ann, ben = (trained(seed, folder / f"{seed}.safetensors", config) for seed in (1, 2))
    return ann, ben


def cast_of(model: Any, people: tuple[Adapter, Adapter], lora_scale: float = 1.0) -> dict[int, FaceBranch]:
    ann, ben = people
    return apply_cast(model, {1: {"ann": (ann, 1.0)}, 2: {"ben": (ben, 1.0)}}, lora_scale)


@pytest.mark.parametrize("lora_scale", [1.0, 0.7])
def test_a_region_that_is_everything_is_the_lora_everywhere(people: tuple[Adapter, Adapter], lora_scale: float) -> None:
    """Also of a blend, and of the text's keys and values."""
    ann, ben = people
    for adapters in ({"ann": (ann, 1.0)}, {"ann": (ann, 0.3), "ben": (ben, 0.7)}):
        plain, placed = transformer(), transformer()
        branch = apply_adapters(plain, adapters, lora_scale)
        own = apply_cast(placed, {1: adapters}, lora_scale)[1]
        assert branch is not None
        base = output(transformer())
        with branch.condition(FACE, 1.0):
            wanted = output(plain)
        with own.condition([PlacedFace(own, FACE, EVERYTHING)], 1.0), acting_in(placed, {1: EVERYTHING}):
            torch.testing.assert_close(output(placed), wanted, rtol=0, atol=2e-5)
        with branch.condition(None, 1.0), own.condition(None, 1.0), acting_in(placed, {1: EVERYTHING}):
            torch.testing.assert_close(output(placed), output(plain), rtol=0, atol=2e-5)
        assert (wanted - base).abs().max() > 0.1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_outside_of_all_regions_the_layers_are_the_base_models_to_the_bit(
    people: tuple[Adapter, Adapter], dtype: torch.dtype
) -> None:
    model = transformer(dtype)
    tokens = torch.randn(2, 8, model.blocks[0].attn1.to_q.in_features, generator=torch.Generator().manual_seed(0)).to(dtype)
    base = model.blocks[0].attn1.to_q(tokens)
    cast_of(model, people)
    layer = model.blocks[0].attn1.to_q
    assert isinstance(layer, RegionLinear)
    assert torch.equal(layer(tokens), base)
    with acting_in(model, {1: part_of(x=slice(0, 2), y=slice(0, 2)), 2: part_of(x=slice(2, 4), y=slice(0, 2))}):
        by_frame = layer(tokens).unflatten(1, (2, 4))
    changed = (by_frame != base.unflatten(1, (2, 4))).any(-1)
    assert changed.tolist() == [[[True, True, False, False]] * 2] * 2
    assert torch.equal(layer(tokens), base)


def test_a_part_of_a_token_has_a_part_of_the_lora(people: tuple[Adapter, Adapter]) -> None:
    model = transformer()
    tokens = torch.randn(1, 8, model.blocks[0].attn1.to_q.in_features, generator=torch.Generator().manual_seed(0))
    cast_of(model, people)
    layer = model.blocks[0].attn1.to_q
    base = layer(tokens)
    half = region(torch.full(SHAPE, 0.5), PATCH)
    with acting_in(model, {1: EVERYTHING}):
        one = layer(tokens) - base
    with acting_in(model, {2: EVERYTHING}):
        other = layer(tokens) - base
    with acting_in(model, {1: half, 2: half}):
        torch.testing.assert_close(layer(tokens) - base, (one + other) / 2)
    with acting_in(model, {1: half, 2: None}):
        torch.testing.assert_close(layer(tokens) - base, one / 2)


def test_text_is_no_place(people: tuple[Adapter, Adapter]) -> None:
    """Its keys and values are the base model's; those of a LoRA are asked for by region."""
    model = transformer()
    words = torch.randn(1, 6, model.blocks[0].attn2.to_k.in_features)
    base = model.blocks[0].attn2.to_k(words)
    cast_of(model, people)
    layer = model.blocks[0].attn2.to_k
    assert isinstance(layer, TextLinear)
    with acting_in(model, {1: LEFT, 2: RIGHT}):
        assert torch.equal(layer(words), base)
        own = list(layer.own(words))
    assert [place for place, _ in own] == [LEFT, RIGHT]
    assert all(not torch.allclose(made, base, atol=0.01) for _, made in own)


def attention_of_first_block(model: Any) -> Tensor:
    """Output (1, T', tokens, dim) of the first block's text attention: its input knows of no face yet."""
    seen: list[Tensor] = []
    handle = model.blocks[0].attn2.register_forward_hook(lambda module, args, output: seen.append(output))
    output(model)
    handle.remove()
    return seen[0].unflatten(1, (2, 4))


def test_each_face_is_in_its_region_and_exchanged_where_the_regions_are(people: tuple[Adapter, Adapter]) -> None:
    model = transformer()
    base = attention_of_first_block(model)
    ann, ben = cast_of(model, people, lora_scale=0.0).values()
    other = FACE.flip(-1)

    def seen(*faces: PlacedFace) -> Tensor:
        with ann.condition(faces, 1.0):
            return attention_of_first_block(model) - base

    alone, bens = seen(PlacedFace(ann, FACE, None)), seen(PlacedFace(ben, other, None))
    both = seen(PlacedFace(ann, FACE, LEFT), PlacedFace(ben, other, RIGHT))
    left, right = [True, False, True, False], [False, True, False, True]
    torch.testing.assert_close(both[:, :, left], alone[:, :, left], rtol=0, atol=1e-5)
    torch.testing.assert_close(both[:, :, right], bens[:, :, right], rtol=0, atol=1e-5)
    swapped = seen(PlacedFace(ann, FACE, RIGHT), PlacedFace(ben, other, LEFT))
    torch.testing.assert_close(swapped[:, :, right], alone[:, :, right], rtol=0, atol=1e-5)
    nowhere = seen(PlacedFace(ann, FACE, part_of(t=slice(0, 1), x=slice(0, 2))))
    assert torch.equal(nowhere[:, 1], torch.zeros_like(nowhere[:, 1]))
    assert torch.equal(seen(), torch.zeros_like(base))


def test_a_face_that_moves_in_a_region_is_each_frames_own(people: tuple[Adapter, Adapter]) -> None:
    model = transformer()
    branch = cast_of(model, people, lora_scale=0.0)[1]
    other = FACE.flip(-1)
    with branch.condition(torch.cat([FACE, other], 1), 1.0):
        wanted = output(model)
    with branch.condition([PlacedFace(branch, torch.cat([FACE, other], 1), EVERYTHING)], 1.0):
        torch.testing.assert_close(output(model), wanted, rtol=0, atol=1e-5)


@torch.no_grad()
def test_passes_in_one_batch_are_those_one_by_one(people: tuple[Adapter, Adapter]) -> None:
    generator = torch.Generator().manual_seed(1)
    latents, control = (torch.randn(1, channels, *SHAPE, generator=generator) for channels in (4, 12))
    prompt, negative = torch.randn(2, 6, 8, generator=generator)
    found = []
    for batched in (False, True):
        model = transformer()
        ann, ben = cast_of(model, people).values()
        faces = [PlacedFace(ann, FACE, LEFT), PlacedFace(ben, FACE.flip(-1), RIGHT)]
        pipeline = type("Pipeline", (), {"transformer": model})()
        settings = SETTINGS.model_copy(update={"face_guidance": 6.0})
        with acting_in(model, {1: LEFT, 2: RIGHT}), guided(pipeline, ann, faces, negative, settings, batched=batched):
            found.append(both_passes(pipeline, latents, control, (prompt, negative), control_scale=1.0))
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=5e-5)
    assert (found[0][0] - found[0][1]).abs().max() > 0.1


def test_a_cast_comes_off_without_a_trace(people: tuple[Adapter, Adapter]) -> None:
    model = transformer()
    base, keys = output(model), list(model.state_dict())
    for _ in range(2):
        branches = cast_of(model, people)
        with branches[1].condition([PlacedFace(branches[2], FACE, LEFT)], 1.0), acting_in(model, {2: LEFT}):
            assert not torch.allclose(output(model), base, atol=0.01)
        assert torch.equal(output(model), base), "it acts outside of its block"
        remove_adapters(model, branches[1])
        assert list(model.state_dict()) == keys
        assert torch.equal(output(model), base)
    assert apply_cast(model, {}, 1.0) == {}


def test_adapters_that_do_not_fit_are_refused(people: tuple[Adapter, Adapter], tmp_path: Path) -> None:
    ann, _ = people
    other = trained(3, tmp_path / "c.safetensors", CONFIG)
    with pytest.raises(InputError, match="ann and cid differ"):
        apply_cast(transformer(), {1: {"ann": (ann, 1.0)}, 2: {"cid": (other, 1.0)}}, 1.0)
    foreign = Adapter(ann.config, {f"blocks.{BLOCKS}.attn1.to_q.lora_A.weight": torch.zeros(1)}, ann.face, {})
    with pytest.raises(InputError, match="adapter of ann does not fit"):
        apply_cast(transformer(), {1: {"ann": (foreign, 1.0)}}, 1.0)


def test_blocks_share_compiled_code(people: tuple[Adapter, Adapter]) -> None:
    """Compiling takes as often for all blocks as it does for one dancer's layers: the LoRAs are inputs like any weight."""
    torch._dynamo.reset()
    counter = CompileCounter()
    model = transformer()
    model.compile_repeated_blocks(backend=counter)
    ann, ben = cast_of(model, people).values()
    with ann.condition([PlacedFace(ann, FACE, LEFT), PlacedFace(ben, FACE, RIGHT)], 1.0), acting_in(model, {1: LEFT, 2: RIGHT}):
        output(model)
    first = counter.frame_count
    with ann.condition([PlacedFace(ann, FACE, LEFT), PlacedFace(ben, FACE, RIGHT)], 1.0), acting_in(model, {1: LEFT, 2: RIGHT}):
        output(model)
    assert counter.frame_count == first <= 4  # base and VACE blocks, of which the first has a projection more


def test_a_lora_of_another_dancer_can_be_added_beside(people: tuple[Adapter, Adapter]) -> None:
    model = transformer()
    weight = model.blocks[0].attn1.to_q.weight
    pair = (torch.ones(1, weight.shape[1]), torch.ones(weight.shape[0], 1))
    add_region_loras(model, {3: {"blocks.0.attn1.to_q": pair}})
    add_region_loras(model, {4: {"blocks.0.attn1.to_q": pair}})
    layer = model.blocks[0].attn1.to_q
    assert list(layer.loras) == ["3", "4"]
    assert layer.base_layer.weight is weight
