"""Steps of a training: on a clip and on photos, with each switch on and off."""

import contextlib
import functools
import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from peft.helpers import disable_input_dtype_casting
from random_arcface import FULL_BLOCKS, FULL_WIDTHS, save_arcface
from random_model import EMBEDDING, clip_shape, random_dataset, random_faces, random_inputs, random_transformer, random_vae
from steps import fastest

from facedance.config.face_branch import FaceBranchTraining
from facedance.config.sections import Phase
from facedance.face_branch.learning import training_of
from facedance.faces import arcface_network, dlib_network, face_loss
from facedance.faces.dlib_backend import RECOGNISER_FILE
from facedance.faces.face_loss import FaceLoss
from facedance.plan.identity import NO_IDENTITY, IdentityMemory, identity_memory
from facedance.plan.peaks import GIB, branch_peak, training_peak
from facedance.train.dataset import Dataset
from facedance.train.identity_loss import IdentityLoss, for_single_frames
from facedance.train.learner import Learner
from facedance.train.window import window_of
from facedance.wan.adapter import adapter_config, attach
from facedance.wan.flow import flow_loss
from facedance.wan.pretrained_face import new_face_branch
from gpu.acts import Acts, Measured
from gpu.scene import Scene, new_scene

_BOTH = Phase(steps=100, trains=("face", "lora"))
_STACKED = (1, 4)


def clips(small: bool) -> Acts:
    """Steps on a clip with its reference; the first as a training takes them."""
    with _trained(new_scene(small)) as steps:
        yield "clip, as a training runs", functools.partial(steps.on_clip, contextlib.nullcontext())
        yield "clip, train.deterministic", functools.partial(steps.on_clip, _deterministic(fill=False))
        yield "clip, deterministic, new memory filled too", functools.partial(steps.on_clip, _deterministic(fill=True))
        yield "clip, LoRA in autocast", functools.partial(steps.on_clip, _autocast(steps.learner.transformer))
        yield "clip, no checkpointing", functools.partial(steps.on_clip, contextlib.nullcontext(), checkpointing=False)


def photos(small: bool) -> Acts:
    """Steps on one photo, and photos one by one and stacked."""
    with _trained(new_scene(small)) as steps:
        yield "photo, checkpointing", functools.partial(steps.on_photo, contextlib.nullcontext(), checkpointing=True)
        yield "photo", functools.partial(steps.on_photo, contextlib.nullcontext())
        yield "photo, train.deterministic", functools.partial(steps.on_photo, _deterministic(fill=False))
        yield "photo, LoRA in autocast", functools.partial(steps.on_photo, _autocast(steps.learner.transformer))
        for count in _STACKED:
            yield f"forward and backward of {count} photos at once, each", functools.partial(steps.stacked, count)


def recogniser(small: bool) -> Acts:
    """Steps on a photo with a recogniser's loss: a VAE beside the transformer, and ArcFace there or dlib's network on the CPU.

    And a step of a face branch's training, which has that loss and a batch of portraits.
    """
    scene = new_scene(small)
    vae = for_single_frames(random_vae(scene.name, scene.device))
    for backend, (loss, dimension) in {"dlib": _dlib_loss(), "insightface": _arcface_loss(small, scene.device)}.items():
        memory = identity_memory(scene.parts.autoencoder, scene.wan, backend)
        with _trained(scene, IdentityLoss(vae, loss), memory) as steps:
            yield f"photo, loss of {backend}", functools.partial(steps.on_photo, contextlib.nullcontext())
            yield (
                f"photo, loss of {backend}, checkpointing",
                functools.partial(steps.on_photo, contextlib.nullcontext(), checkpointing=True),
            )
        if dimension == EMBEDDING:
            yield (
                f"portraits, a face branch's step, loss of {backend}",
                functools.partial(_on_portraits, scene, vae, loss, backend),
            )


def _on_portraits(scene: Scene, vae: Any, loss: FaceLoss, backend: str) -> Measured:
    """The faster of two steps after one that is not counted, with the settings that a face branch has by default."""
    window, chosen = window_of(scene.wan), FaceBranchTraining()
    train = training_of(chosen, scene.train)
    identity = identity_memory(scene.parts.autoencoder, window, backend)
    peak = branch_peak(replace(scene.parts, identity=identity), window, train)
    if not scene.has_room(peak.bytes):
        return Measured(predicted=peak.bytes, note=f"not tried: {peak.bytes / GIB:.0f} GiB are predicted")
    transformer, shape = random_transformer(scene.name, scene.device), clip_shape(scene.name, window, 1)
    branch = new_face_branch(
        transformer, random_faces(2), tokens=train.face_tokens, rank=train.face_rank, width=train.mapper_width
    )
    branch.to(scene.device).attach(transformer)
    _set_checkpointing(transformer, train.gradient_checkpointing)
    learner = Learner(transformer, branch, train, identity_loss=IdentityLoss(vae, loss, train.gradient_checkpointing))
    with tempfile.TemporaryDirectory() as folder:
        dataset = replace(random_dataset(Path(folder), window, shape), clips=())
        numbers = itertools.count(1)
        took = fastest(lambda: learner.step(dataset, next(numbers), train.phases[0]), 2)
    return Measured(took, 2 * chosen.batch_size * scene.work(shape), peak.bytes, f"{chosen.batch_size} of them")


def _dlib_loss() -> tuple[FaceLoss, int]:
    """With random weights, as everything here, and the length of its embeddings."""
    network = dlib_network.DlibNetwork().eval().requires_grad_(False)
    with (
        mock.patch.object(dlib_network, "load_dlib_network", return_value=network),
        mock.patch.object(face_loss, "recogniser_file", return_value=Path(RECOGNISER_FILE)),
    ):
        return FaceLoss(Path()), dlib_network.DIMENSION


def _arcface_loss(small: bool, device: torch.device) -> tuple[FaceLoss, int]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recogniser.onnx"
        save_arcface(path, *(() if small else (FULL_WIDTHS, FULL_BLOCKS)))
        with mock.patch.object(face_loss, "recogniser_file", return_value=path):
            return FaceLoss(Path(folder), device=device), arcface_network.DIMENSION


class _Steps:
    """A learner on noise, and how long its steps take."""

    def __init__(self, scene: Scene, learner: Learner, dataset: Dataset, identity: IdentityMemory) -> None:
        self._scene, self.learner, self._dataset = scene, learner, dataset
        self._parts = replace(scene.parts, identity=identity)
        self._numbers = itertools.count(1)

    def on_clip(self, under: contextlib.AbstractContextManager[Any], *, checkpointing: bool = True) -> Measured:
        """The faster of two steps after one that is not counted."""
        scene = self._scene
        peak = training_peak(scene.parts, scene.wan, scene.train, frames=scene.wan.frames, checkpointing=checkpointing)
        if not scene.has_room(peak.bytes):
            return Measured(predicted=peak.bytes, note=f"not tried: {peak.bytes / GIB:.0f} GiB are predicted")
        took = self._step(self._dataset, under, checkpointing, times=2)
        return Measured(took, 2 * scene.work(scene.with_reference), peak.bytes)

    def on_photo(self, under: contextlib.AbstractContextManager[Any], *, checkpointing: bool = False) -> Measured:
        """The fastest of five; a photo is a clip of one frame and has no reference here, with which it is predicted."""
        scene = self._scene
        photos = scene.train.model_copy(update={"photo_share": 1.0})
        peak = training_peak(self._parts, scene.wan, photos, frames=scene.wan.frames, checkpointing=checkpointing)
        if not scene.has_room(peak.bytes):
            return Measured(predicted=peak.bytes, note=f"not tried: {peak.bytes / GIB:.0f} GiB are predicted")
        took = self._step(replace(self._dataset, clips=()), under, checkpointing, times=5)
        return Measured(took, 2 * scene.work((1, *scene.clip[1:])), peak.bytes)

    def _step(self, dataset: Dataset, under: contextlib.AbstractContextManager[Any], checkpointing: bool, times: int) -> float:
        _set_checkpointing(self.learner.transformer, checkpointing)
        with under:
            return fastest(lambda: self.learner.step(dataset, next(self._numbers), _BOTH), times)

    def stacked(self, count: int) -> Measured:
        """Seconds a photo of a pass for several and its gradient, without the optimizer's step; no checkpointing."""
        scene, learner = self._scene, self.learner
        _set_checkpointing(learner.transformer, False)
        shape = (1, *scene.clip[1:])
        inputs, target = random_inputs(shape, scene.device, count), torch.randn(count, 16, *shape, device=scene.device)
        weight = torch.ones(1, 1, *shape, device=scene.device)

        def learn() -> None:
            with learner.branch.condition(random_faces(count)[:, None].to(scene.device), 1.0):
                (found,) = learner.transformer(**inputs, return_dict=False)
                flow_loss(found.float(), target, weight).backward()
            for parameter in learner.parameters.values():
                parameter.grad = None

        return Measured(fastest(learn, 5) / count, 2 * scene.work(shape))


@contextlib.contextmanager
def _trained(scene: Scene, loss: IdentityLoss | None = None, identity: IdentityMemory = NO_IDENTITY) -> Iterator[_Steps]:
    transformer = random_transformer(scene.name, scene.device)
    branch = attach(transformer, adapter_config(scene.train, transformer, EMBEDDING), scene.train.seed)
    with tempfile.TemporaryDirectory() as folder:
        dataset = random_dataset(Path(folder), scene.wan, scene.clip)
        train = scene.train if loss is None else scene.train.model_copy(update={"identity_weight": 1.0})
        yield _Steps(scene, Learner(transformer, branch, train, identity_loss=loss), dataset, identity)


def _set_checkpointing(transformer: Any, on: bool) -> None:
    (transformer.enable_gradient_checkpointing if on else transformer.disable_gradient_checkpointing)()


@contextlib.contextmanager
def _deterministic(*, fill: bool) -> Iterator[None]:
    """Deterministic kernels, with or without NaN in all memory that is new, as is torch's default beside them."""
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = fill
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        torch.utils.deterministic.fill_uninitialized_memory = True


@contextlib.contextmanager
def _autocast(transformer: Any) -> Iterator[None]:
    """The LoRA computes in bfloat16 and makes no float32 copies of its inputs; its parameters stay float32."""
    with torch.autocast(transformer.device.type, torch.bfloat16), disable_input_dtype_casting(transformer):
        yield
