"""Bytes of activations, predicted from numbers of tokens and widths.

These are sums over the tensors that the code keeps alive, with attention computed in tiles (flash attention) and the norms
of queries and keys fused, as on a GPU. `tests/plan/test_activations.py` compares them with a count of the tensors that
live in real passes on the meta device. Not in them: what the kernels borrow for themselves, and what the allocator wastes.
The most that is borrowed is by the backward pass of deterministic flash attention, 4 d bytes a token for each of
ceil(multiprocessors / heads) splits; by then more than that of the block has been freed, on a card of 132 multiprocessors.

Letters: L tokens, d width, f hidden width of the feed-forward layer, w bytes of a number in the model's dtype.
"""

import math
from dataclasses import dataclass
from typing import Any

from diffusers.models.autoencoders.autoencoder_kl_wan import CACHE_T, WanCausalConv3d

from facedance.config.sections import Size, WanModel
from facedance.plan.parts import Widths
from facedance.wan.recompute import Sizes, floors, worth_keeping
from facedance.wan.text_padding import TEXT_TOKENS

FLOAT32 = 4
_READERS_OF_NORMS = (("attn1.to_q", "attn1.to_k", "attn1.to_v"), ("attn2.to_q",), ("ffn.net.0.proj",))
_AFTER_GELU = "ffn.net.2"


@dataclass(frozen=True)
class LatentShape:
    """Shape (channels, frames, height, width) of a clip's latents, without a reference."""

    channels: int
    frames: int
    height: int
    width: int

    @property
    def numbers(self) -> int:
        """Numbers in one channel."""
        return self.frames * self.height * self.width


def latent_shape(vae: Any, wan: WanModel, frames: int) -> LatentShape:
    """The latents of a clip of `frames` frames at the model's largest size."""
    config, (width, height) = vae.config, wan.largest
    spatial, temporal = config.scale_factor_spatial, config.scale_factor_temporal
    return LatentShape(config.z_dim, (frames - 1) // temporal + 1, height // spatial, width // spatial)


def token_count(shape: LatentShape, patch: tuple[int, int, int], references: int) -> int:
    """Tokens of a clip with those of its references, each of which is one latent frame more."""
    return (shape.frames + references) // patch[0] * (shape.height // patch[1]) * (shape.width // patch[2])


def kept_by_block(widths: Widths, tokens: int, batch: int = 1) -> int:
    """What one base block keeps from its forward for its backward pass.

    L (12 d + 10 w d + w f + w r)    the inputs of the three norms in float32; in self-attention the raw and the turned
                                     queries and keys, the values and the output; in text attention the raw and the normed
                                     queries, the output, and the face's; the input of the GELU; the face's r low-rank
                                     numbers
    + L (3 w d + w f)                what layers with a LoRA read, as far as they have one: the outputs of the norms and of
                                     the GELU
    + 3 w d 512                      for each video its prompt's raw and normed keys and its values
    + w L' rank                      for each layer with a LoRA the low-rank numbers for the L' tokens that it reads (the
                                     prompt's in keys and values of text attention)
    """
    d, f, w = widths.dim, widths.ffn, widths.number
    said = batch * TEXT_TOKENS
    adapted = {layer.name for layer in widths.adapted}
    read = sum(not adapted.isdisjoint(readers) for readers in _READERS_OF_NORMS) * d + (_AFTER_GELU in adapted) * f
    block = tokens * (3 * FLOAT32 * d + 10 * w * d + w * f + w * widths.face_rank + w * read) + w * 3 * said * d
    return block + w * widths.lora_rank * sum(said if layer.reads_text else tokens for layer in widths.adapted)


def training_bytes(widths: Widths, tokens: int, checkpointing: bool, kept_memory: int = 0, batch: int = 1) -> int:
    """The most that a forward and backward pass of so many tokens, of a batch of videos, holds at once.

        B kept                                    without gradient checkpointing, B being the base blocks; where no layer has
                                                  a LoRA the first keeps of all before the face its queries alone
        (B - n) L w d + kept                      with it: each block's input, and one block run again; or, where n > 0
        (B - n) L w d + n kept                    blocks are kept whole in `kept_memory` bytes, these before that,
        + what is worth keeping                   of the others (`facedance.wan.recompute`)
        + L (w f + 14 d)                          on its way in the feed-forward layer
        + 8 L head_dim                            rotary embeddings

    The VACE blocks keep nothing: nothing in or before them is trained.
    """
    d, f, w = widths.dim, widths.ffn, widths.number
    block = kept_by_block(widths, tokens, batch)
    sizes = _sizes(widths)
    kept = floors(sizes, batch, tokens // batch, kept_memory) if checkpointing else [0] * widths.blocks
    whole = kept.count(0)
    untouched = 0 if widths.adapted or whole < widths.blocks else tokens * (2 * FLOAT32 * d + 8 * w * d)
    stored = (widths.blocks - whole) * tokens * w * d + max(whole, 1) * block - untouched
    # The block that runs again has its own among what it keeps.
    parts = worth_keeping(sizes, batch, tokens // batch)
    stored += sum(size for floor in kept[max(whole, 1) :] if floor for worth, size in parts.items() if worth >= floor)
    return stored + tokens * (w * f + 14 * d) + _rotary(widths, tokens)


def denoising_bytes(widths: Widths, tokens: int) -> int:
    """The most that one forward pass without gradients holds at once, in a base block's first half of the feed-forward layer.

        L (w d hints + 3 w f + 5 w d) + 8 L head_dim

    The hints are the VACE blocks' outputs, which all come first. 3 w f is the layer's output and the LoRA's, before and after
    its scale; where it is fused into the weights it is less. Passes for guidance come one after the other, or with
    render.speed.batched_guidance their tokens at once.
    """
    d, f, w = widths.dim, widths.ffn, widths.number
    return tokens * (w * d * widths.hints + 3 * w * f + 5 * w * d) + _rotary(widths, tokens)


def decoding_bytes(vae: Any, wan: WanModel, frames: int) -> int:
    """The most that decoding a clip in float32 holds at once. It goes by latent frames, each of which becomes n frames.

    for each causal convolution: 2 frames of its input, kept for the next latent frame
    + (5 n + 6) C W H    in the last block, of C channels: its input, the residual and the activation (n frames each),
                         the convolution's input with the 2 frames before it and once more padded, and its next cache
    + 3 T W H            the video
    """
    decoder, pixels, n = vae.decoder, math.prod(wan.largest), vae.config.scale_factor_temporal
    last = len(decoder.up_blocks) - 1
    cached = 0.0
    for name, module in decoder.named_modules():
        if isinstance(module, WanCausalConv3d) and module.kernel_size[0] > 1:
            part, *rest = name.split(".")
            level = {"up_blocks": int(rest[0]) if part == "up_blocks" else 0, "conv_out": last}.get(part, 0)
            cached += CACHE_T * module.in_channels * pixels / 4 ** (last - level)
    working = (5 * n + 3 * CACHE_T) * decoder.conv_out.in_channels * pixels
    return round(FLOAT32 * (cached + working + 3 * frames * pixels))


def tiled_decoding_bytes(vae: Any, wan: WanModel, frames: int) -> int:
    """The most that decoding in tiles holds at once: all tiles, which overlap, and at the end the video three times.

    These are its rows, the whole and the whole with its values cut to their range; or a tile that is being decoded.
    """
    tile, stride = vae.tile_sample_min_height, vae.tile_sample_stride_height

    def needed(size: Size) -> int:
        if max(size) <= tile:
            return decoding_bytes(vae, wan.model_copy(update={"sizes": (size,), "group_sizes": ()}), frames)
        covered = [sum(min(tile, length - start) for start in range(0, length, stride)) for length in size]
        one = wan.model_copy(update={"sizes": ((min(tile, size[0]), min(tile, size[1])),), "group_sizes": ()})
        picture = FLOAT32 * 3 * frames
        tiles, video = picture * math.prod(covered), picture * math.prod(size)
        return max(tiles + 3 * video, tiles + decoding_bytes(vae, one, frames))

    return max(map(needed, wan.all_sizes))


def _sizes(widths: Widths) -> Sizes:
    return Sizes(widths.blocks, widths.dim, widths.ffn, widths.dim // widths.head_dim, widths.number)


def _rotary(widths: Widths, tokens: int) -> int:
    return 2 * FLOAT32 * tokens * widths.head_dim
