"""The face branch adds what it should, where it should, and nothing when it is off."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import WanVACETransformer3DModel
from torch import Tensor
from torch._dynamo.testing import CompileCounter
from torch.utils.checkpoint import CheckpointError

from facedance.wan.face_branch import FaceBranch

FRAMES, SIDE, TOKENS_PER_FRAME = 4, 4, 4
EMBEDDING = 16


def transformer(dtype: torch.dtype = torch.float32, blocks: int = 3) -> Any:
    torch.manual_seed(0)
    return (
        WanVACETransformer3DModel(
            patch_size=(1, 2, 2),
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=4,
            out_channels=4,
            text_dim=8,
            freq_dim=16,
            ffn_dim=32,
            num_layers=blocks,
            vace_layers=list(range(0, blocks, 2)),
            vace_in_channels=12,
        )
        .to(dtype)
        .requires_grad_(False)
    )


def branch(blocks: int = 3, trained: bool = True) -> FaceBranch:
    torch.manual_seed(1)
    made = FaceBranch(embedding_dim=EMBEDDING, dim=24, blocks=blocks, tokens=2, rank=8, width=32)
    if trained:
        for name, parameter in made.named_parameters():
            if name.endswith("out_up.weight"):
                torch.nn.init.normal_(parameter)
    return made


def faces(*shape: int, seed: int = 2) -> Tensor:
    return torch.nn.functional.normalize(torch.randn(*shape, EMBEDDING, generator=torch.Generator().manual_seed(seed)), dim=-1)


def runner(model: Any, batch: int = 2, words: int = 3) -> Callable[[], Tensor]:
    """A forward pass on inputs that are the same in every test; `words` is the seed of the text."""
    generator = torch.Generator().manual_seed(3)
    dtype = model.dtype
    latents = torch.randn(batch, 4, FRAMES, SIDE, SIDE, generator=generator).to(dtype)
    control = torch.randn(batch, 12, FRAMES, SIDE, SIDE, generator=generator).to(dtype)
    text = torch.randn(batch, 6, 8, generator=torch.Generator().manual_seed(words)).to(dtype)

    def run() -> Tensor:
        output: Tensor = model(
            hidden_states=latents,
            timestep=torch.full((batch,), 500.0),
            encoder_hidden_states=text,
            control_hidden_states=control,
            return_dict=False,
        )[0]
        return output

    return run


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_without_a_face_the_base_model_runs_to_the_bit(dtype: torch.dtype) -> None:
    model, face = transformer(dtype), branch()
    run = runner(model)
    base = run()
    face.attach(model)
    assert torch.equal(run(), base)
    with face.condition(None, 1.0):
        assert torch.equal(run(), base)
    with face.condition(faces(2, 1), 0.0):
        assert torch.equal(run(), base)
    with face.condition(faces(2, 1), torch.zeros(2)):
        assert torch.equal(run(), base)
    with face.condition(faces(2, 1), 1.0):
        assert not torch.allclose(run(), base, atol=0.05)
    assert torch.equal(run(), base), "the condition outlived its block"
    assert {p.dtype for p in face.parameters()} == {torch.float32}


def test_an_untrained_branch_changes_nothing() -> None:
    model, face = transformer(), branch(trained=False)
    run = runner(model)
    base = run()
    face.attach(model)
    with face.condition(faces(2, 1), 1.0):
        assert torch.equal(run(), base), "the text attention beside the face differs from diffusers' own"


def attention_of_first_block(model: Any, run: Callable[[], Tensor]) -> Tensor:
    """Output (B, T', tokens, dim) of the first block's cross-attention: its input knows of no face yet."""
    seen: list[Tensor] = []
    handle = model.blocks[0].attn2.register_forward_hook(lambda module, args, output: seen.append(output))
    run()
    handle.remove()
    return seen[0].unflatten(1, (FRAMES, TOKENS_PER_FRAME))


def test_scale_multiplies_what_is_added_for_each_sample() -> None:
    model, face = transformer(), branch()
    run = runner(model)
    base = attention_of_first_block(model, run)
    face.attach(model)
    embeddings = faces(2, 1)
    with face.condition(embeddings, 1.0):
        once = attention_of_first_block(model, run) - base
    with face.condition(embeddings, torch.tensor([0.0, 2.5])):
        scaled = attention_of_first_block(model, run) - base
    assert once.abs().mean() > 0.05
    assert torch.equal(scaled[0], torch.zeros_like(scaled[0]))
    assert torch.allclose(scaled[1], 2.5 * once[1], atol=1e-5)


def test_a_frame_attends_to_its_own_face_only() -> None:
    model, face = transformer(), branch()
    run = runner(model)
    face.attach(model)
    one, other = faces(2, 1), faces(2, 1, seed=9)
    with face.condition(one, 1.0):
        constant = attention_of_first_block(model, run)
    with face.condition(torch.cat([one, one, other, one], 1), 1.0):
        moving = attention_of_first_block(model, run)
    changed = (moving - constant).abs().amax(dim=(0, 2, 3)) > 1e-5
    assert changed.tolist() == [False, False, True, False]


def test_frames_before_the_clip_see_the_first_face() -> None:
    model, face = transformer(), branch()
    run = runner(model)
    face.attach(model)
    clip = faces(2, FRAMES - 1)
    with face.condition(clip, 1.0):
        implied = run()
    with face.condition(torch.cat([clip[:, :1], clip], 1), 1.0):
        assert torch.equal(run(), implied)
    with face.condition(faces(2, FRAMES + 1), 1.0), pytest.raises(ValueError, match=r"5 latent frames.* 4"):
        run()


def test_unconditional_pass_sees_no_face() -> None:
    model, face = transformer(), branch()
    run = runner(model)
    base = run()
    face.attach(model)
    with face.condition(faces(2, 1), 1.0):
        conditional = run()
        with model.cache_context("cond"):
            assert torch.equal(run(), conditional)
        with model.cache_context("uncond"):
            assert torch.equal(run(), base)
        assert torch.equal(run(), conditional)


@pytest.mark.parametrize("face_guidance", [0.0, 1.0, 3.0, 8.0])
def test_gain_guides_the_face_apart_from_the_text(face_guidance: float) -> None:
    model, face = transformer(), branch()
    embeddings, guidance = faces(2, 1), 3.0
    with_text, without_text = runner(model, words=3), runner(model, words=4)
    text, none = with_text(), without_text()
    face.attach(model)
    with face.condition(embeddings, 1.0):
        full = with_text()
    with face.condition(embeddings, 1.0, gain=face_guidance / guidance):
        with model.cache_context("cond"):
            conditional = with_text()
        with model.cache_context("uncond"):
            unconditional = without_text()
    guided = unconditional + guidance * (conditional - unconditional)  # as diffusers does
    assert torch.allclose(guided, none + guidance * (text - none) + face_guidance * (full - text), atol=1e-4)
    assert torch.equal(with_text(), text)


def test_gain_near_one_is_as_good_as_no_gain() -> None:
    model, face = transformer(), branch()
    run = runner(model)
    face.attach(model)
    with face.condition(faces(2, 1), 1.0):
        once = run()
    with face.condition(faces(2, 1), 1.0, gain=1 + 1e-7):
        assert torch.allclose(run(), once, atol=1e-5)
    with face.condition(faces(2, 1), 1.0, gain=1.5):
        assert not torch.allclose(run(), once, atol=0.01)


def test_attaching_leaves_no_trace() -> None:
    model, face = transformer(), branch()
    run = runner(model)
    base, keys = run(), list(model.state_dict())
    for _ in range(2):
        face.attach(model)
        assert list(model.state_dict()) == keys
        with pytest.raises(ValueError, match="detach it first"):
            branch().attach(model)
        face.detach()
        with face.condition(faces(2, 1), 1.0, gain=2.0):
            assert torch.equal(run(), base)
        assert "cache_context" not in vars(model)


@pytest.mark.parametrize("shape", [(2, EMBEDDING), (2, 1, EMBEDDING + 1)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    face = branch()
    with pytest.raises(ValueError, match=f"must be .*{EMBEDDING}"), face.condition(torch.zeros(shape), 1.0):
        pass
    with pytest.raises(ValueError, match="2 blocks and the transformer 3"):
        branch(blocks=2).attach(transformer())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_reach_all_of_the_branch_also_with_checkpointing(dtype: torch.dtype) -> None:
    model, face = transformer(dtype), branch()
    face.attach(model)
    run = runner(model)

    def gradients() -> dict[str, Tensor]:
        face.zero_grad()
        with face.condition(faces(2, 1), torch.tensor([1.0, 0.5])):
            run().float().square().mean().backward()
        return {name: p.grad.clone() for name, p in face.named_parameters() if p.grad is not None}

    model.train()
    plain = gradients()
    assert set(plain) == {name for name, _ in face.named_parameters()}
    assert all(g.abs().max() > 0 for g in plain.values())
    model.enable_gradient_checkpointing()
    saved = gradients()
    assert all(torch.allclose(saved[name], g) for name, g in plain.items())
    with face.condition(faces(2, 1), 1.0):
        loss = run().float().square().mean()
    with pytest.raises(CheckpointError):  # outside of the block a recomputation would miss the face
        loss.backward()


def test_blocks_share_compiled_code() -> None:
    """Compiling takes as often for many blocks as for few, with a face and without."""
    compiled = []
    for blocks in (3, 6):
        torch._dynamo.reset()
        counter = CompileCounter()
        model, part = transformer(blocks=blocks), branch(blocks=blocks)
        model.compile_repeated_blocks(backend=counter)
        part.requires_grad_(False).attach(model)
        run = runner(model)
        with part.condition(faces(2, 1), 1.0):
            run()
            with model.cache_context("uncond"):
                run()
        compiled.append(counter.frame_count)
    assert compiled[0] == compiled[1] > 0
