"""Train the tiny transformer for faces, or go on with it, and write the whole model."""

from pathlib import Path

import torch

from facedance.files import read_json
from facedance.job import job
from facedance.tiny.faces import refine_transformer
from facedance.tiny.publish import history, publish
from facedance.tiny.recipe import TinyTransformer
from facedance.tiny.student import load_student
from facedance.tiny.texts import encode_texts
from facedance.tiny.world_latents import inactive_latents, read_world
from facedance.wan.load import load_transformer, load_vae
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch

with job(snakemake.log[0], "tiny faces"):
    tiny, before, out = snakemake.params.tiny, Path(snakemake.input.model).parent, Path(snakemake.output[0]).parent
    number, cpu, world = int(snakemake.wildcards.round), torch.device("cpu"), read_world([Path(f) for f in snakemake.input.world])
    vae, transformer = load_vae(before, cpu), load_transformer(before, torch.float32, cpu)
    branch = load_face_branch(before / FACE_BRANCH)
    losses = refine_transformer(
        transformer, branch, vae,
        load_student(Path(snakemake.input.student)),
        world,
        encode_texts(world.prompts, tiny["seed"]),
        inactive_latents(vae, tiny["frames"], tiny["side"]),
        TinyTransformer(**tiny["transformer"]),
        number=number,
        steps=tiny["steps"],
        seed=tiny["seed"],
        state=out.with_name(f"{out.name}-state"),
        compiled=snakemake.params.compiled,
    )  # fmt: skip
    meta = read_json(Path(snakemake.input.model))
    meta["losses"][f"faces {number}"] = history(losses["flow"].tolist())
    publish(out, vae=vae, transformer=transformer, branch=branch, seed=tiny["seed"], meta=meta)
