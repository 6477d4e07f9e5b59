"""Train the tiny model's transformer and face branch, or go on with it, and write the whole model."""

from pathlib import Path

import pandas as pd
import torch

from facedance.files import digest, sha256
from facedance.job import job
from facedance.wan.load import load_vae
from lab.tiny.learning import state_folder
from lab.tiny.publish import history, publish
from lab.tiny.recipe import TinyTransformer
from lab.tiny.texts import encode_texts
from lab.tiny.transformer import train_transformer
from lab.tiny.world_latents import inactive_latents, read_world

with job(snakemake.log[0], "tiny transformer"):
    tiny = snakemake.params.tiny
    files = [Path(file) for file in snakemake.input.world]
    world, vae = read_world(files), load_vae(Path(snakemake.input.vae).parents[1], torch.device("cpu"))
    recipe = TinyTransformer(**tiny["transformer"])
    settings = [tiny["seed"], recipe.model_dump(mode="json", exclude={"rounds"})]  # a round may be added to what has ended
    state = state_folder(Path(snakemake.output[0]).parents[1] / "transformer-state", settings, files)
    transformer, branch, losses = train_transformer(
        world,
        encode_texts(world.prompts, tiny["seed"]),
        inactive_latents(vae, tiny["frames"], tiny["side"]),
        recipe,
        seed=tiny["seed"],
        state=state,
        compiled=snakemake.params.compiled,
    )
    vae_losses = pd.read_csv(snakemake.input.vae_losses)["loss"].tolist()
    meta = {
        "world": digest([sha256(file) for file in files]),
        "losses": {"vae": history(vae_losses), "transformer": history(losses)},
    }
    publish(Path(snakemake.output[0]).parent, vae=vae, transformer=transformer, branch=branch, seed=tiny["seed"], meta=meta)
