"""One step of a training: examples in, a smaller loss out."""

import contextlib
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from facedance.config.sections import Phase, Train, WanModel
from facedance.job import InputError
from facedance.train import checkpoint
from facedance.train.dataset import Dataset, draw_example, step_kind
from facedance.train.distributed import ALONE, Rank
from facedance.train.example import Example, generator, make_example, stacked
from facedance.train.identity_loss import IdentityLoss, load_identity_loss
from facedance.wan.adapter import AdapterConfig, adapter_config, attach, trainable, without_lora
from facedance.wan.face_branch import FaceBranch
from facedance.wan.flow import TIMESTEPS, flow_loss
from facedance.wan.load import choose_device, load_transformer
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch
from facedance.wan.recompute import compute_again
from facedance.wan.text_padding import counting_padding, without_padding

BETAS = (0.9, 0.99)

MANY = 50
"""Faces of others that tell how embeddings are spread."""


class ItemLosses(NamedTuple):
    """What was lost on one item."""

    flow: float
    face: float | None  # within the face, if one is seen
    identity: float | None  # the recogniser's, if it looked


class Learner:
    """A transformer with its adapter, and what is needed to train it.

    Photos of a batch are taken together. Clips are accumulated one by one, so that memory does not grow with the batch. Of
    several processes each takes its share of the items.
    """

    def __init__(
        self, transformer: Any, branch: FaceBranch, train: Train, rank: Rank = ALONE, identity_loss: IdentityLoss | None = None
    ) -> None:
        self.transformer, self.branch, self.train, self.rank = transformer, branch, train, rank
        self._identity_loss = identity_loss
        self.parameters = trainable(transformer, branch, train.learned)
        # One optimizer for all phases: it passes over parameters without a gradient and keeps their moments.
        self._optimizer = torch.optim.AdamW(self.parameters.values(), betas=BETAS, weight_decay=train.weight_decay, fused=True)
        averaged = self.parameters if train.ema_decay else {}
        self._average = {name: parameter.detach().clone() for name, parameter in averaged.items()}

    def step(self, dataset: Dataset, step: int, phase: Phase) -> dict[str, Any]:
        """Take step `step` (from 1) and return its metrics.

        Raises:
            InputError: the loss is not finite.
        """
        started = time.monotonic()
        active = trainable(self.transformer, self.branch, set(phase.trains))
        if "face" not in phase.trains:
            dataset = replace(dataset, others=())  # of whom nothing else learns
        kind = step_kind(dataset, self.train, step)
        examples = [draw_example(dataset, self.train, step, index) for index in self.rank.share(self.train.batch_size)]
        shares = [self.accumulate(example) for example in (stacked(examples) if kind == "photo" else examples)]
        self.rank.add_gradients(list(active.values()))
        items = self.rank.gather([item for share in shares for item in share])
        losses, face_losses, identity_losses = (
            [value for value in column if value is not None] for column in zip(*items, strict=True)
        )
        rate = learning_rate(self.train, step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        norm = torch.nn.utils.clip_grad_norm_(active.values(), self.train.max_grad_norm).item()
        if not math.isfinite(sum(losses) + norm):
            raise InputError(
                f"the training diverged at step {step} (loss {losses}, gradient {norm}): "
                f"lower train.learning_rate ({self.train.learning_rate:g})"
            )
        self._optimizer.step()
        self._optimizer.zero_grad()
        with torch.no_grad():
            for name, average in self._average.items():
                average.lerp_(self.parameters[name], 1 - self.train.ema_decay)
        return {
            "kind": kind,
            "loss": sum(losses) / len(losses),
            "face_loss": sum(face_losses) / len(face_losses) if face_losses else None,
            "identity_loss": sum(identity_losses) / len(identity_losses) if identity_losses else None,
            "lr": rate,
            "grad_norm": norm,
            "seconds": round(time.monotonic() - started, 3),
        }

    def accumulate(self, example: Example) -> list[ItemLosses]:
        """Add an example's share of the batch's gradient; the losses of its items."""
        with self._conditioned(example) as shortened:
            losses, items = self._losses(shortened)
            if losses.requires_grad:  # not so where the face is dropped while nothing but the face is trained
                (losses.sum() / self.train.batch_size).backward()
        return items

    @torch.no_grad()
    def losses(self, example: Example) -> list[ItemLosses]:
        """The same losses without learning."""
        with self._conditioned(example) as shortened:
            return self._losses(shortened)[1]

    def require_gradients(self, dataset: Dataset) -> None:
        """Refuse a training in which something would learn nothing.

        Raises:
            ValueError: on a photo with its face, a part that is to be trained has no gradient.
        """
        example = make_example(
            (dataset.photos or dataset.others)[0].load(),
            text=dataset.text,
            embedding=dataset.identity,
            sigma=0.5,
            with_reference=False,
            face_weight=self.train.face_weight,
            random=generator(self.train.seed),
        )
        self.accumulate(example)
        moved = {name.split(".")[0] for name, p in self.parameters.items() if p.grad is not None and p.grad.any()}
        self._optimizer.zero_grad()
        if missing := set(self.parameter_counts()) - moved:
            raise ValueError(f"the loss does not depend on {' and '.join(sorted(missing))}, so training would change nothing")

    def parameter_counts(self) -> dict[str, int]:
        """Number of trainable parameters of each part, "face" and "lora"."""
        counts: dict[str, int] = {}
        for name, parameter in self.parameters.items():
            part = name.split(".")[0]
            counts[part] = counts.get(part, 0) + parameter.numel()
        return counts

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on."""
        return checkpoint.pack(self.parameters, self._optimizer, self._average)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to a state."""
        checkpoint.unpack(state, self.parameters, self._optimizer, self._average)

    def weights(self) -> dict[str, Tensor]:
        """A copy on the CPU, by name, of what would be saved now: the moving average if one is kept, else the parameters."""
        saved: Mapping[str, Tensor] = self._average or self.parameters
        return {name: tensor.detach().cpu().clone() for name, tensor in saved.items()}

    @torch.no_grad()
    def use(self, weights: Mapping[str, Tensor]) -> None:
        """Let tensors take the place of the parameters of their names."""
        for name, tensor in weights.items():
            self.parameters[name].copy_(tensor)

    def use_average(self) -> None:
        """Let the moving average, if one is kept, take the parameters' place."""
        self.use(self._average)

    @contextlib.contextmanager
    def with_average(self) -> Iterator[None]:
        """Inside the block the moving average, if one is kept, is in the parameters' place."""
        learned = {name: self.parameters[name].detach().clone() for name in self._average}
        self.use_average()
        try:
            yield
        finally:
            self.use(learned)

    @contextlib.contextmanager
    def _conditioned(self, example: Example) -> Iterator[Example]:
        """The example with its text's padding taken off; inside, the transformer counts that padding and sees the face.

        The LoRA is on only for whom it is.
        """
        text, bias = without_padding(example.text)
        face = self.branch.condition(example.embedding, example.embedding.any(2)[:, 0].float())
        lora = contextlib.nullcontext() if example.with_lora else without_lora(self.transformer)
        with counting_padding(self.transformer, bias), face, lora:
            yield replace(example, text=text)

    def _losses(self, example: Example) -> tuple[Tensor, list[ItemLosses]]:
        """What is to become smaller, (B,), and of what it consists."""
        prediction = predict(self.transformer, example)
        device = prediction.device
        sides = [part.to(device).split(1) for part in (prediction, example.target, example.weight, example.face)]
        flow = [flow_loss(velocity, target, weight) for velocity, target, weight, _ in zip(*sides, strict=True)]
        faces = [
            flow_loss(velocity.detach(), target, face).item() if face.any() else None
            for velocity, target, _, face in zip(*sides, strict=True)
        ]
        if self._identity_loss is None or example.landmarks is None:
            return torch.stack(flow), [ItemLosses(loss.item(), face, None) for loss, face in zip(flow, faces, strict=True)]
        identity = self._identity_loss(example, prediction)
        whole = torch.stack(flow) + self.train.identity_weight * identity.to(device)
        return whole, [ItemLosses(*item) for item in zip(torch.stack(flow).tolist(), faces, identity.tolist(), strict=True)]


def new_learner(
    dataset: Dataset, model: Path, wan: WanModel, train: Train, recogniser: Path, rank: Rank = ALONE
) -> tuple[Learner, AdapterConfig]:
    """A learner before its first step, and the sizes of its adapter, for the model in a folder.

    Raises:
        InputError: the model's face branch is for another recogniser.
        ValueError: the loss does not depend on something that a phase trains.
    """
    pretrained = load_face_branch(model / FACE_BRANCH, len(dataset.identity))
    transformer = load_transformer(model, getattr(torch, wan.dtype), choose_device(wan))
    if train.gradient_checkpointing:
        compute_again(transformer, round(train.kept_memory * 2**30))
    config = adapter_config(train, transformer, len(dataset.identity), pretrained)
    identity_loss = None
    if train.identity_weight:
        device, again = transformer.device, train.gradient_checkpointing
        identity_loss = load_identity_loss(model, recogniser, device, again)
    branch = attach(transformer, config, train.seed, pretrained)
    if pretrained is None and len(dataset.others) >= MANY:
        branch.know(torch.stack([portrait.given for portrait in dataset.others]))
    learner = Learner(transformer, branch, train, rank, identity_loss)
    learner.require_gradients(dataset)
    return learner, config


def schedule(train: Train) -> Iterator[tuple[int, int, Phase]]:
    """Every step, from 1, with the number of its phase, from 1, and the phase."""
    step = 0
    for number, phase in enumerate(train.phases, start=1):
        for _ in range(phase.steps):
            step += 1
            yield step, number, phase


def predict(transformer: Any, example: Example) -> Tensor:
    """Velocity (B, z, F, h, w) in float32."""
    device, dtype = transformer.device, transformer.dtype
    (prediction,) = transformer(
        hidden_states=example.latents.to(device, dtype),
        timestep=(example.sigma * TIMESTEPS).to(device),
        encoder_hidden_states=example.text.to(device, dtype),
        control_hidden_states=example.control.to(device, dtype),
        return_dict=False,
    )
    return prediction.float()


def learning_rate(train: Train, step: int) -> float:
    """Rate of step `step` (from 1): in each phase linear warmup, then a cosine to `final_learning_rate` of it at the end."""
    done = 0
    phase = train.phases[0]
    for phase in train.phases:
        if step <= done + phase.steps:
            break
        done += phase.steps
    step -= done
    rate = train.learning_rate if phase.learning_rate is None else phase.learning_rate
    if step <= train.warmup_steps:
        return rate * step / train.warmup_steps
    progress = (step - train.warmup_steps) / max(phase.steps - train.warmup_steps, 1)
    cosine = (1 + math.cos(math.pi * progress)) / 2
    return rate * (train.final_learning_rate + (1 - train.final_learning_rate) * cosine)
