"""Bytes on disk, without the few that file headers take."""

from dataclasses import dataclass

from facedance.config.sections import Train, WanModel
from facedance.plan.activations import FLOAT32, latent_shape
from facedance.plan.parts import Parts
from facedance.train.checkpoint import KEPT


@dataclass(frozen=True)
class Disk:
    """What lies where at the end, in bytes."""

    weights: int  # models/<model>, as the published repositories keep them
    clip: int  # results/latents/clips, each
    photo: int  # results/latents/photos, each at most
    adapter: int  # results/train/<identity>
    checkpoints: int  # .cache/training/<identity>


def disk_bytes(parts: Parts, wan: WanModel, train: Train) -> Disk:
    """Weights from their parameters; latents as `facedance.latents.encode` writes them: the video in float32, the control in w.

    The published repositories keep the base model and the VAE in float32, VACE's blocks and the text encoder in two bytes a
    number: so the 1.3B's files have the sizes that they have. Their tokenizer adds 0.02 GB.

    A clip has z (T' h w + h w) float32 numbers, the second being its reference, and 2 z + (pixels under a latent pixel)
    control channels of T' h w numbers in the model's dtype. A photo is a clip of one frame for each of the shares that its face
    has of a picture; its reference is the person's.
    """
    shape = latent_shape(parts.autoencoder, wan, wan.frames)
    base = parts.transformer.parameters - parts.vace.parameters
    area = shape.height * shape.width
    channels = 2 * shape.channels + parts.autoencoder.config.scale_factor_spatial**2
    pixel = FLOAT32 * shape.channels + parts.widths.number * channels  # bytes of one place in the latents
    states = 3 + int(train.ema_decay > 0)  # parameters, two moments, moving average
    states += int(train.select == "best" and train.validate_every > 0)  # weights that can still be chosen, of one step at least
    return Disk(
        weights=FLOAT32 * (base + parts.vae.parameters) + 2 * (parts.vace.parameters + parts.text_encoder.parameters),
        clip=pixel * shape.numbers + FLOAT32 * shape.channels * area,
        photo=pixel * area * len(train.face_shares),
        adapter=parts.adapter.bytes,
        checkpoints=KEPT * states * parts.adapter.bytes,
    )
