"""What all parts measure on: a model's size, the shape of its clips, and the settings that this project has for it."""

import functools
from dataclasses import dataclass

import torch
from full_size import pass_tflop
from random_model import EMBEDDING, MODEL, MODELS, ROOT, SMALL, clip_shape

from facedance.config import params
from facedance.config.render_settings import RenderSettings
from facedance.config.sections import Train, WanModel
from facedance.plan.parts import Parts, count_parts
from facedance.wan.load import choose_device

_SMALL_CLIP = {"sizes": ((272, 64),), "frames": 9}  # wide enough for two tiles


@dataclass(frozen=True, eq=False)  # so that it can be a key
class Scene:
    """A model of full size with its own settings, or the small one with the same."""

    name: str  # in MODELS
    wan: WanModel
    train: Train
    render: RenderSettings
    device: torch.device

    @property
    def clip(self) -> tuple[int, int, int]:
        """T', h, w of a clip's latents."""
        return clip_shape(self.name, self.wan, self.wan.frames)

    @property
    def with_reference(self) -> tuple[int, int, int]:
        """The same with the reference's frame in front."""
        frames, height, width = self.clip
        return frames + 1, height, width

    @functools.cached_property
    def parts(self) -> Parts:
        """Parameters and bytes, as `make plan` counts them."""
        return count_parts(MODELS[self.name], self.train, torch.bfloat16, EMBEDDING)

    @functools.cache  # noqa: B019  (there is one scene, as long as the process)
    def work(self, clip: tuple[int, int, int]) -> float:
        """10^12 operations of the base model in a forward pass for latents of T', h, w."""
        return pass_tflop(self.name, clip)

    def has_room(self, needed: int) -> bool:
        """Whether the device has so many bytes; a CPU always has."""
        return self.device.type == "cpu" or needed < torch.cuda.mem_get_info()[1]


@functools.cache
def new_scene(small: bool) -> Scene:
    """The scene for this machine. Nothing is looked at while training, and the recogniser's loss has a part of its own."""
    chosen = params.load(ROOT / "params.yaml", {"model": MODEL})
    train = chosen.train.model_copy(
        update={
            "batch_size": 1, "photo_share": 0.0, "text_dropout": 0.0, "face_dropout": 0.0, "reference_dropout": 0.0,
            "ema_decay": 0.0, "identity_weight": 0.0, "validate_every": 0,
        }
    )  # fmt: skip
    wan = chosen.wan.model_copy(update=_SMALL_CLIP if small else {})
    return Scene(SMALL if small else MODEL, wan, train, chosen.render.settings, choose_device())
