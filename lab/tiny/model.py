"""A tiny Wan2.1-VACE of diffusers' own classes, in diffusers' folder layout, with random weights."""

from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, WanVACEPipeline, WanVACETransformer3DModel
from diffusers.models.autoencoders.autoencoder_kl_wan import WanCausalConv3d
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

from facedance.files import replaced
from facedance.wan.load import new_scheduler
from lab.world.words import vocabulary

_SCENES = "a person in top and trousers dancing before wall portrait photo of"
_DEFAULT_PROMPTS = "studio clear face full body natural light blurred distorted extra limbs text watermark"
WORDS = (*vocabulary(), *_SCENES.split(), *_DEFAULT_PROMPTS.split())
"""The words that the tiny model's text encoder reads as one token; any other text is read byte by byte."""

LATENT_CHANNELS = 48
TEXT_DIM = 64
SPATIAL_FACTOR, TEMPORAL_FACTOR = 8, 1  # pixels and frames under a latent pixel
HEADS, HEAD_DIM = 6, 32
DIM, BLOCKS = HEADS * HEAD_DIM, 6  # of the transformer


def build_tiny(folder: Path, seed: int) -> None:
    """Write the model to `folder`; equal seeds give equal bytes.

    Its output is no picture, but is finite, depends on everything it is given, and keeps off the ends of the range.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        pipeline = WanVACEPipeline(
            tokenizer=new_tokenizer(WORDS),
            text_encoder=new_text_encoder(len(WORDS)),
            vae=new_vae().half(),
            scheduler=new_scheduler(),
            transformer=new_transformer().half(),  # float16 on disk; loaded in the dtype asked for
        )
    with replaced(folder) as part:
        pipeline.save_pretrained(part, safe_serialization=True)


def new_transformer() -> WanVACETransformer3DModel:
    """The transformer with random weights: a token for 8 x 8 pixels of each frame."""
    return WanVACETransformer3DModel(
        patch_size=(1, 1, 1),
        num_attention_heads=HEADS,
        attention_head_dim=HEAD_DIM,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        text_dim=TEXT_DIM,
        freq_dim=128,
        ffn_dim=3 * DIM,
        num_layers=BLOCKS,
        cross_attn_norm=True,
        vace_layers=[0, 3],
        vace_in_channels=2 * LATENT_CHANNELS + SPATIAL_FACTOR**2,
    )


def new_vae() -> AutoencoderKLWan:
    """The VAE with random weights: a latent pixel for 8 x 8 pixels of each frame, and no frame sees another.

    It is all patches: where Wan's own shrinks and grows step by step, a VAE as narrow as this one loses too much.
    """
    vae = AutoencoderKLWan(
        base_dim=96,
        z_dim=LATENT_CHANNELS,
        dim_mult=[1],
        num_res_blocks=0,
        attn_scales=[],
        temperal_downsample=[],
        in_channels=3 * SPATIAL_FACTOR**2,
        out_channels=3 * SPATIAL_FACTOR**2,
        patch_size=SPATIAL_FACTOR,
        latents_mean=[0.05] * LATENT_CHANNELS,  # about what the random encoder gives for pictures
        latents_std=[0.1] * LATENT_CHANNELS,
        scale_factor_spatial=SPATIAL_FACTOR,
        scale_factor_temporal=TEMPORAL_FACTOR,
    )
    with torch.no_grad():
        for convolution in (module for module in vae.modules() if isinstance(module, WanCausalConv3d)):
            convolution.weight[:, :, :-1] = 0  # what it would see of earlier frames
    return vae


def new_text_encoder(words: int) -> UMT5EncoderModel:
    """The text encoder with random weights, for the tokenizer of so many words."""
    tokens = len(_vocabulary()) + words
    return UMT5EncoderModel(UMT5Config(vocab_size=tokens, d_model=TEXT_DIM, d_kv=16, d_ff=128, num_layers=2, num_heads=4))


def _vocabulary() -> dict[str, int]:
    """T5's special tokens at T5's places, then the 256 bytes."""
    return {token: i for i, token in enumerate(["<pad>", "</s>", "<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet())])}


def new_tokenizer(words: Sequence[str]) -> PreTrainedTokenizerFast:
    """One token for each of the `words`, and one a byte for everything else, so that there is no text it does not know."""
    tokenizer = Tokenizer(models.BPE(vocab=_vocabulary(), merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.add_tokens([AddedToken(word, single_word=True, lstrip=True, normalized=False) for word in words])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=512
    )
