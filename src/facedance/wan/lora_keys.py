"""What the keys of other programs' LoRAs mean: the module of Wan's transformer, and what of it a tensor changes.

Programs differ in what they write in front (`diffusion_model.`, `model.diffusion_model.`, `transformer.`, `base_model.model.`,
`pipe.dit.`, `lora_unet_`, `lycoris_`, ...), in dots or underscores between the parts of a name, and in whose names of the layers
they use. All of these are told apart by themselves, so any of them goes with any other.
"""

import re

from facedance.wan.lora_formats import LAYERS

DIFFERENCE = ("diff", "diff_b")
"""Parts of a module that are added to its weight and its bias as they are."""

_PART = re.compile(
    r"(?P<name>.+?)\.(?:(?P<pair>lora_A|lora_down|lora\.down|lora_B|lora_up|lora\.up)(?:\.(?!weight|bias)\w+)?\.(?P<of>weight|bias)"
    r"|(?P<other>alpha|diff|diff_b|diff_m))"
)
_DOWN = ("lora_A", "lora_down", "lora.down")
_OTHER_NETWORKS = re.compile(r"(?:transformer|double|single|down|up|mid|joint)_blocks\.")
_IN_FRONT = r"(?:[A-Za-z]+_+)*?"  # words without numbers: `transformer_2.` is the second network of Wan2.2

_IN_BLOCKS = {
    **LAYERS,
    "attn1.norm_q": "self_attn.norm_q",
    "attn1.norm_k": "self_attn.norm_k",
    "attn2.norm_q": "cross_attn.norm_q",
    "attn2.norm_k": "cross_attn.norm_k",
    "attn2.norm_added_k": "cross_attn.norm_k_img",
    "norm2": "norm3",  # the only norm with weights; diffusers numbers them in their order
    "scale_shift_table": "modulation",
}
_ELSEWHERE = {
    "condition_embedder.time_embedder.linear_1": "time_embedding.0",
    "condition_embedder.time_embedder.linear_2": "time_embedding.2",
    "condition_embedder.time_proj": "time_projection.1",
    "condition_embedder.text_embedder.linear_1": "text_embedding.0",
    "condition_embedder.text_embedder.linear_2": "text_embedding.2",
    "condition_embedder.image_embedder.norm1": "img_emb.proj.0",
    "condition_embedder.image_embedder.ff.net.0.proj": "img_emb.proj.1",
    "condition_embedder.image_embedder.ff.net.2": "img_emb.proj.3",
    "condition_embedder.image_embedder.norm2": "img_emb.proj.4",
    "vace_patch_embedding": "vace_patch_embedding",
    "patch_embedding": "patch_embedding",
    "proj_out": "head.head",
    "scale_shift_table": "head.modulation",
}
MODULATION = "scale_shift_table"
"""The only one of these that is a parameter itself."""


def _flat(name: str) -> str:
    return name.replace(".", "_")


_OURS_IN_BLOCKS, _OURS_ELSEWHERE = (
    {_flat(name): ours for ours, theirs in table.items() for name in (ours, theirs)} for table in (_IN_BLOCKS, _ELSEWHERE)
)
_BLOCK = re.compile(rf"{_IN_FRONT}(?P<blocks>(?:vace_)?blocks)_(?P<number>\d+)_(?P<layer>{'|'.join(_OURS_IN_BLOCKS)})")
_OTHER = re.compile(rf"{_IN_FRONT}(?P<module>{'|'.join(_OURS_ELSEWHERE)})")


def place(key: str) -> tuple[str, str] | None:
    """The module of a key by diffusers' name, and the part of it; None for a key that has no place in Wan's networks.

    Parts are lora_A, lora_B, lora_bias, alpha, diff and diff_b.
    """
    match = _PART.fullmatch(key)
    if match is None or _OTHER_NETWORKS.search(key):
        return None
    name, part = match["name"], match["other"]
    if part == "diff_m":  # some write what is added to a block's modulation without naming that
        name, part = f"{name}.modulation", "diff"
    if match["pair"]:
        down, bias = match["pair"] in _DOWN, match["of"] == "bias"
        if down and bias:
            return None
        part = "lora_A" if down else "lora_bias" if bias else "lora_B"
    if block := _BLOCK.fullmatch(_flat(name)):
        return f"{block['blocks']}.{block['number']}.{_OURS_IN_BLOCKS[block['layer']]}", part
    if other := _OTHER.fullmatch(_flat(name)):
        return _OURS_ELSEWHERE[other["module"]], part
    return None


def parameter_of(module: str, part: str) -> str:
    """The parameter to which a difference is added."""
    if module.endswith(MODULATION):
        return module
    return f"{module}.{'bias' if part == 'diff_b' else 'weight'}"


def is_for_pictures(name: str) -> bool:
    """Whether a module or parameter is one of image-to-video models, which see a picture beside the text."""
    return re.search(r"\.add_[kv]_proj\b|\.norm_added_k\b|\bimage_embedder\b", name) is not None
