"""Train the tiny model on masks, or go on with it, and write the whole model."""

from pathlib import Path

import torch

from facedance.faces.face_loss import FaceLoss
from facedance.files import read_json
from facedance.job import job
from facedance.wan.load import load_transformer, load_vae
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch
from lab.tiny.learning import round_folders
from lab.tiny.masks import all_losses, train_masks
from lab.tiny.pose_loss import PoseLoss
from lab.tiny.publish import history, publish
from lab.tiny.recipe import TinyMasks, TinyTransformer
from lab.tiny.texts import encode_texts
from lab.tiny.world_latents import inactive_latents, read_world

with job(snakemake.log[0], "tiny masks"):
    tiny, out, given = snakemake.params.tiny, Path(snakemake.output[0]).parent, snakemake.input
    published, cpu, recipe = Path(given.model).parent, torch.device("cpu"), TinyMasks(**tiny["masks"])
    files = [Path(file) for file in (*given.world, given.model, given.face_model, given.pose_model)]
    vae, transformer = load_vae(published, cpu), load_transformer(published, torch.float32, cpu)
    branch, world = load_face_branch(published / FACE_BRANCH), read_world([Path(file) for file in given.world])
    states = round_folders(out.with_name("masks-state"), [tiny["seed"], tiny["transformer"], recipe.ema], recipe.rounds, files)
    losses = train_masks(
        transformer, branch, vae, FaceLoss(Path(given.face_model).parent, torch.bfloat16),
        PoseLoss(Path(given.pose_model)), world, encode_texts(world.prompts, tiny["seed"]),
        inactive_latents(vae, recipe.world.frames, recipe.world.side),
        recipe, TinyTransformer(**tiny["transformer"]), seed=tiny["seed"], states=states, compiled=snakemake.params.compiled,
    )  # fmt: skip
    meta = read_json(Path(given.model))
    meta |= {"recipe": tiny["recipe"], "losses": meta["losses"] | {"masks": history(all_losses(losses))}}
    publish(out, vae=vae, transformer=transformer, branch=branch, seed=tiny["seed"], meta=meta)
