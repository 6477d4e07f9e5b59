"""What the checkpoints of a training are known by: its parameters, its data, and the code that holds its mathematics.

Other code may change without a training having to begin anew. Which code that is, is said here of every module that
`facedance.train.learner` imports.
"""

from collections.abc import Mapping

from facedance.config.sections import Train, WanModel
from facedance.files import digest
from facedance.rerun.code import modules_digest

MATHEMATICS = (
    "facedance.faces.arcface_network",
    "facedance.faces.dlib_detector",
    "facedance.faces.dlib_network",
    "facedance.faces.face_loss",
    "facedance.faces.onnx_pack",
    "facedance.train.checkpoint",
    "facedance.train.dataset",
    "facedance.train.distributed",
    "facedance.train.example",
    "facedance.train.identity_loss",
    "facedance.train.items",
    "facedance.train.learner",
    "facedance.train.portraits",
    "facedance.train.window",
    "facedance.wan.adapter",
    "facedance.wan.face_attention",
    "facedance.wan.face_branch",
    "facedance.wan.flow",
    "facedance.wan.load",
    "facedance.wan.pretrained_face",
    "facedance.wan.text_padding",
)
"""Modules that decide what a step computes, and what a checkpoint holds of it."""

CHOICE = ("facedance.evaluate.choice", "facedance.train.selection")
"""The modules that decide which step's weights become the adapter. What judges said stands in the checkpoint and is not asked for
again, so the code of renders and judges does not count."""

OTHERS = {
    "facedance.aist.names": "tells which clips are of one dance, and which clip is held out is in the key",
    "facedance.config.base": "declares what a section of parameters is",
    "facedance.config.captions": "says which texts there are, and the digest of those that are learned with is in the key",
    "facedance.config.parts": "says which part of a video counts, and the clips' digests are in the key",
    "facedance.config.patterns": "names the videos to learn from, and the clips' digests are in the key",
    "facedance.config.render_settings": "of renders",
    "facedance.config.sections": "declares parameters, and their values are in the key",
    "facedance.faces": "a docstring",
    "facedance.faces.crop": "cuts out faces before there are data",
    "facedance.faces.dlib_backend": "looks at photos before there are data; of it a training takes the name of a file",
    "facedance.faces.embedding": "reads embeddings, and the digest of what is read is in the key",
    "facedance.faces.face": "declares what a recogniser gives",
    "facedance.files": "digests, and files that are whole or absent",
    "facedance.gpus": "finds a free GPU",
    "facedance.job": "logs and errors",
    "facedance.latents.references": "names the pictures of a head, whose digest is in the key",
    "facedance.names": "tells a clip's video, and which clip is held out is in the key",
    "facedance.regions.tokens": "of renders with several people",
    "facedance.train": "a docstring",
    "facedance.wan.device": "says what to do where there is no GPU, or a full one",
    "facedance.wan": "a docstring",
    "facedance.wan.recompute": "keeps numbers or computes the same ones again",
    "facedance.wan.region_lora": "of renders with several people",
    "facedance.workers": "ends a process with the one that has started it",
}
"""Modules that change no number of a training, each with the reason."""

_NOT_COMPUTED_WITH = {
    "videos",
    "prompt",
    "captions",
    "checkpoint_every",
    "kept_memory",
    "patience",
}
"""Parameters of a training: videos count by what they match, prompts by what they say, and steps are the same however often
they are kept, however much of them is kept for their backward pass, and however many are taken (`facedance.train.course`)."""

_SHOWN_WITH = {"preview_steps", "preview_guidance_scale"}
"""Those that count only where the renders of a training decide."""

_WEIGHTS = {"repo", "revision", "folder"}
"""Where a model's weights come from: their digests are among the inputs."""


def training_key(wan: WanModel, train: Train, inputs: Mapping[str, str], code: str) -> str:
    """Name of the folder with a training's checkpoints, from the digests of its inputs and of its code."""
    excluded = _NOT_COMPUTED_WITH | (set() if train.select == "best" and train.validate_every else _SHOWN_WITH)
    return digest([wan.model_dump(exclude=_WEIGHTS), train.model_dump(exclude=excluded), dict(inputs), code])[:16]


def mathematics_digest() -> str:
    """Digest of the code that decides what a training computes."""
    return modules_digest((*MATHEMATICS, *CHOICE))
