"""Train the tiny model's transformer and face branch, or go on with it, and publish the whole model."""

from pathlib import Path

import torch

from facedance.files import digest, sha256
from facedance.job import job
from facedance.params import Tiny
from facedance.tiny.publish import publish
from facedance.tiny.texts import encode_texts
from facedance.tiny.transformer import train_transformer
from facedance.tiny.world_latents import inactive_latents, read_world
from facedance.wan.load import load_vae

with job(snakemake.log[0], "tiny transformer"):
    tiny = Tiny(**snakemake.params.tiny)
    folder = Path(snakemake.input.vae).parents[1]
    files = [Path(file) for file in snakemake.input.world]
    world, vae = read_world(files), load_vae(folder, torch.device("cpu"))
    transformer, branch, losses = train_transformer(
        world,
        encode_texts(world.prompts, tiny.seed),
        inactive_latents(vae, tiny.frames, tiny.side),
        tiny.transformer,
        seed=tiny.seed,
        state=folder / "transformer-state",
        compiled=tiny.compiled,
    )
    meta = {"recipe": tiny.model_dump(), "world": digest([sha256(file) for file in files]), "losses": losses}
    publish(Path(snakemake.output[0]).parent, vae=vae, transformer=transformer, branch=branch, seed=tiny.seed, meta=meta)
