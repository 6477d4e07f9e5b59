"""The text that the tiny model's training speaks."""

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import WanVACEPipeline
from torch import Tensor

from lab.tiny.batches import GENERIC, NEGATIVE
from lab.tiny.model import WORDS, new_text_encoder, new_tokenizer

_TOKENS = 512


def text_parts(seed: int) -> tuple[Any, Any]:
    """Tokenizer and text encoder. The encoder is never trained: its random features tell words apart well enough."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return new_tokenizer(WORDS), new_text_encoder(len(WORDS)).eval()


@torch.no_grad()
def encode_texts(prompts: Sequence[str], seed: int) -> dict[str, Tensor]:
    """Embeddings (512, text dim) of the prompts, of those that tell nothing and of no text, as WanVACEPipeline gives them."""
    tokenizer, encoder = text_parts(seed)
    pipeline = WanVACEPipeline(tokenizer=tokenizer, text_encoder=encoder, vae=None, scheduler=None, transformer=None)
    texts = dict.fromkeys((*prompts, GENERIC, NEGATIVE, ""))
    return {
        text: pipeline.encode_prompt(text, do_classifier_free_guidance=False, max_sequence_length=_TOKENS)[0][0] for text in texts
    }
