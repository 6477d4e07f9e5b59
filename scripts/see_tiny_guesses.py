"""Look at what the tiny transformer guesses in one part of the world with the recogniser."""

from pathlib import Path

import torch

from facedance.faces.dlib_backend import DlibBackend
from facedance.job import job
from facedance.tiny.guesses import see_guesses
from facedance.tiny.recipe import TinyTransformer
from facedance.tiny.sightings import LEAST_SCORE, save_sightings
from facedance.tiny.texts import encode_texts
from facedance.tiny.world_latents import inactive_latents, read_world
from facedance.wan.load import load_transformer, load_vae
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch

with job(snakemake.log[0], "tiny guesses"):
    tiny, folder, cpu = snakemake.params.tiny, Path(snakemake.input.model).parent, torch.device("cpu")
    world, vae = read_world([Path(snakemake.input.world)]), load_vae(folder, cpu)
    seen = see_guesses(
        world,
        encode_texts(world.prompts, tiny["seed"]),
        inactive_latents(vae, tiny["frames"], tiny["side"]),
        load_transformer(folder, torch.float32, cpu),
        load_face_branch(folder / FACE_BRANCH),
        vae,
        DlibBackend(Path(snakemake.input.face_model).parent, LEAST_SCORE),
        TinyTransformer(**tiny["transformer"]),
        batches=tiny["looks"],
        seed=tiny["seed"],
    )
    save_sightings(seen, Path(snakemake.output[0]))
