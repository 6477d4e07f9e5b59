"""The face branch: identity tokens that the base blocks attend to beside the text.

A face embedding becomes a few tokens, and every base block of the transformer attends to them with the query that it
already has for the text (decoupled cross-attention, as in IP-Adapter, arXiv:2308.06721). Keys, values and the output
projection are low-rank; the output starts at zero, so an untrained branch changes nothing.

Of several people each has their own branch, and is attended to by the tokens of their region only, by the same query.
"""

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention_dispatch import dispatch_attention_fn
from diffusers.models.transformers.transformer_wan import WanAttnProcessor
from torch import Tensor, nn

from facedance.regions.tokens import Region
from facedance.wan.face_attention import FaceAttention, Given
from facedance.wan.region_lora import words_by_region


@dataclass(frozen=True)
class FaceSizes:
    """Sizes of a face branch; `dim` and `blocks` are the transformer's."""

    embedding_dim: int  # length D of a face embedding
    dim: int  # width of the transformer
    blocks: int  # its number of base blocks
    tokens: int  # tokens N for a face
    rank: int  # of keys, values and output
    width: int  # hidden width of the mapper


@dataclass(frozen=True)
class PlacedFace:
    """Somebody who is seen in a region: their own branch, and embeddings (B, F, D) as `FaceBranch.condition` takes them."""

    branch: "FaceBranch"
    embeddings: Tensor
    region: Region | None  # None for the whole picture


@dataclass(frozen=True)
class FaceCondition:
    """The faces for every base block, how much of the branch is added, and how much of its effect is kept."""

    given: tuple[tuple[Given, ...], ...]  # of each block
    scale: Tensor  # (1, 1, 1) or (B, 1, 1)
    gain: float


class FaceBranch(nn.Module):
    """Maps face embeddings to tokens and lets the base blocks of a Wan transformer attend to them.

    The arguments are those of `FaceSizes`. The parameters stay float32 whatever the transformer's dtype is.
    """

    mean: Tensor  # (D,) of the embeddings, and their spread: what the mapper sees is free of both
    deviation: Tensor  # (D,)

    def __init__(self, *, embedding_dim: int, dim: int, blocks: int, tokens: int, rank: int, width: int) -> None:
        super().__init__()
        self.sizes = FaceSizes(embedding_dim, dim, blocks, tokens, rank, width)
        self.mapper = nn.Sequential(
            nn.Linear(embedding_dim, width),
            nn.GELU(),
            nn.Linear(width, tokens * dim),
            nn.Unflatten(-1, (tokens, dim)),
            nn.LayerNorm(dim),
        )
        self.blocks = nn.ModuleList(FaceAttention(dim, rank) for _ in range(blocks))
        # A unit vector's entries shrink with its length; the mapper sees entries of about 1 whatever the recogniser.
        self.register_buffer("mean", torch.zeros(embedding_dim))
        self.register_buffer("deviation", torch.full((embedding_dim,), 1 / math.sqrt(embedding_dim)))
        self._condition: FaceCondition | None = None
        self._frames = 0  # latent frames of the forward pass that is under way
        self._undo = contextlib.ExitStack()

    @property
    def _parts(self) -> list[FaceAttention]:
        return [block for block in self.blocks if isinstance(block, FaceAttention)]

    def tokens(self, embeddings: Tensor) -> Tensor:
        """Face tokens (B, F, N, dim) of embeddings (B, F, D) of length 1."""
        tokens: Tensor = self.mapper((embeddings - self.mean) / self.deviation)
        return tokens

    def know(self, faces: Tensor) -> None:
        """Take mean and spread of many people's embeddings (N, D), which the mapper is then free of."""
        self.mean.copy_(faces.mean(0))
        self.deviation.copy_(faces.std(0))

    def attach(self, transformer: Any) -> None:
        """Let the base blocks of `transformer` attend to the face while `condition` is entered.

        Only attention processors change: the transformer's state dict keeps its keys. In the unconditional pass of
        guidance, which diffusers' pipelines mark by `cache_context("uncond")`, the branch is off.

        Raises:
            ValueError: another number of base blocks, or a branch is attached already.
        """
        if len(transformer.blocks) != len(self.blocks):
            raise ValueError(f"the face branch has {len(self.blocks)} blocks and the transformer {len(transformer.blocks)}")
        if isinstance(transformer.blocks[0].attn2.processor, FaceAttnProcessor):
            raise ValueError("a face branch is attached already; detach it first")
        for block, part in zip(transformer.blocks, self._parts, strict=True):
            self._undo.callback(block.attn2.set_processor, block.attn2.processor)
            block.attn2.set_processor(FaceAttnProcessor(self, part, block.attn2.processor))
        self._undo.callback(transformer.register_forward_pre_hook(self._note_frames, with_kwargs=True).remove)
        self._undo.callback(transformer.register_forward_hook(self._amplify, with_kwargs=True).remove)
        named_pass = transformer.cache_context

        @contextlib.contextmanager
        def cache_context(name: str, **kwargs: Any) -> Iterator[None]:
            with named_pass(name, **kwargs), self._attending(None) if name == "uncond" else contextlib.nullcontext():
                yield

        transformer.cache_context = cache_context
        self._undo.callback(delattr, transformer, "cache_context")

    def detach(self) -> None:
        """Give the transformer its own attention processors back."""
        self._undo.close()

    @contextlib.contextmanager
    def condition(self, faces: Tensor | Sequence[PlacedFace] | None, scale: float | Tensor, gain: float = 1.0) -> Iterator[None]:
        """Attend to these faces inside the block.

        Args:
            faces: embeddings (B, F, D) of length 1, or None for no face. F is 1 for one identity, or the number of latent
                frames of the clip for an identity that changes over it: each frame then attends to its own tokens
                only, and frames before the clip (a reference latent) attend to the first ones. Of several people each
                with the region and the branch that are theirs; what is added to a token is the sum over them.
            scale: what the branch's output is multiplied by; a number, or (B,) one a sample. Where all are 0 the
                transformer runs as it would without a branch, to the bit.
            gain: what the face's effect on the transformer's output is multiplied by: without + gain * (with - without),
                which takes a second forward pass unless it is 1. Under guidance by g, the face is guided by g * gain.

        Keys and values are computed once, here. When gradients are wanted, call `backward` inside the block too:
        gradient checkpointing runs the transformer's blocks again in it.
        """
        with self._attending(self._prepare(faces, scale, gain)):
            yield

    def _prepare(self, faces: Tensor | Sequence[PlacedFace] | None, scale: float | Tensor, gain: float) -> FaceCondition | None:
        factors = torch.as_tensor(scale, dtype=torch.float32)
        placed = [PlacedFace(self, faces, None)] if isinstance(faces, Tensor) else faces
        if not placed or not factors.any():
            return None
        by_block = zip(*(face.branch._given(face.embeddings, face.region) for face in placed), strict=True)
        device = next(self.parameters()).device
        return FaceCondition(tuple(by_block), factors.to(device).reshape(-1, 1, 1), gain)

    def _given(self, embeddings: Tensor, region: Region | None) -> list[Given]:
        """The face with embeddings (B, F, D), for each of the base blocks."""
        if embeddings.ndim != 3 or embeddings.shape[-1] != self.sizes.embedding_dim:
            raise ValueError(
                f"embeddings are {tuple(embeddings.shape)}; they must be (batch, frames, {self.sizes.embedding_dim})"
            )
        tokens = self.tokens(embeddings.to(next(self.parameters()).device, torch.float32))
        given = [(block, block(tokens)) for block in self._parts]
        return [Given(block, key, value, region) for block, (key, value) in given]

    @contextlib.contextmanager
    def _attending(self, condition: FaceCondition | None) -> Iterator[None]:
        outer = self._condition
        self._attend_to(condition)
        try:
            yield
        finally:
            self._attend_to(outer)

    def _attend_to(self, condition: FaceCondition | None) -> None:
        self._condition = condition
        for index, block in enumerate(self._parts):
            block.given = () if condition is None else condition.given[index]

    def _note_frames(self, transformer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        latents = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]  # (B, C, T', h, w)
        self._frames = latents.shape[2]

    def _amplify(self, transformer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> tuple[Tensor] | None:
        """The output with the face's effect times `gain`; None, which leaves it as it is, where there is nothing to do."""
        if self._condition is None or (gain := self._condition.gain) == 1:
            return None
        with self._attending(None), transformer.cache_context("without face"):  # a pass of its own to what remembers passes
            without = transformer.forward(*args, **kwargs)[0]  # not by calling it, which would come here again
        return (torch.lerp(without, output[0], gain),)

    def attend(self, block: FaceAttention, query: Tensor, added_to: Tensor) -> Tensor:
        """A base block's text attention (B, L, dim) with what its faces add, for queries (B, L, heads, head dim).

        It may be changed in place.
        """
        assert self._condition is not None
        scale = self._condition.scale.to(query.dtype)
        for face in block.given:
            if face.region is None:
                added_to = added_to + scale * self._attended(face, query)
            else:
                seen = self._attended(face, face.region.of(query))
                added_to = face.region.add(added_to, scale * face.region.weighed(seen))
        return added_to

    def _attended(self, face: Given, query: Tensor) -> Tensor:
        """What the queries (B, L, heads, head dim), as many in each frame, see of a face: (B, L, dim)."""
        # (B, F, N, heads, head dim)
        key, value = (self._per_frame(t).to(query.dtype).unflatten(-1, (query.shape[2], -1)) for t in (face.key, face.value))
        frames = key.shape[1]
        attended = F.scaled_dot_product_attention(  # each frame's queries see that frame's tokens only
            query.unflatten(1, (frames, -1)).flatten(0, 1).transpose(1, 2),  # (B * F, heads, L / F, head dim)
            key.flatten(0, 1).transpose(1, 2),
            value.flatten(0, 1).transpose(1, 2),
        )
        attended = attended.transpose(1, 2).flatten(2).unflatten(0, (-1, frames)).flatten(1, 2)  # (B, L, dim)
        return face.part.project(attended)

    def _per_frame(self, tokens: Tensor) -> Tensor:
        """Tokens (B, F, N, dim) with the first frame's repeated for the latent frames that come before the clip."""
        given = tokens.shape[1]
        if given in (1, self._frames):
            return tokens
        if given > self._frames:
            raise ValueError(f"embeddings for {given} latent frames, but the video has {self._frames}")
        return torch.cat([tokens[:, :1].expand(-1, self._frames - given, -1, -1), tokens], dim=1)


class FaceAttnProcessor(WanAttnProcessor):
    """A base block's text cross-attention with the face branch beside it, on the same query.

    All blocks' processors differ in their tensors only, so that compiled code for one of them serves all.
    """

    def __init__(self, branch: FaceBranch, block: FaceAttention, replaced: WanAttnProcessor) -> None:
        super().__init__()
        self.branch = branch
        self.block = block
        self._attention_backend = replaced._attention_backend

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        several = words_by_region(attn, encoder_hidden_states)
        if not self.block.given and not several:
            return super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, rotary_emb)
        query = attn.norm_q(attn.to_q(hidden_states)).unflatten(2, (attn.heads, -1))  # (B, L, heads, head dim)
        key = attn.norm_k(attn.to_k(encoder_hidden_states)).unflatten(2, (attn.heads, -1))
        value = attn.to_v(encoder_hidden_states).unflatten(2, (attn.heads, -1))
        text = dispatch_attention_fn(query, key, value, attn_mask=attention_mask, backend=self._attention_backend)
        changes = []
        for region, own_key, own_value in several:
            own = dispatch_attention_fn(
                region.of(query),
                attn.norm_k(own_key).unflatten(2, (attn.heads, -1)),
                own_value.unflatten(2, (attn.heads, -1)),
                attn_mask=attention_mask,
                backend=self._attention_backend,
            )
            changes.append((region, (own - region.of(text)).flatten(2, 3)))
        text = text.flatten(2, 3).type_as(query)
        for region, change in changes:
            text = region.add(text, region.weighed(change))
        text = attn.to_out[1](attn.to_out[0](text))  # (B, L, dim)
        return self.branch.attend(self.block, query, text) if self.block.given else text
