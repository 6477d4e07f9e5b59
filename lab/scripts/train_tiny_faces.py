"""Train the tiny transformer for faces, or go on with it, and write the whole model."""

from pathlib import Path

import pandas as pd
import torch

from facedance.faces.face_loss import FaceLoss
from facedance.files import read_json
from facedance.job import job
from facedance.wan.load import load_transformer, load_vae
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch
from lab.tiny.faces import refine_transformer
from lab.tiny.learning import state_folder
from lab.tiny.publish import history, publish
from lab.tiny.recipe import TinyTransformer
from lab.tiny.texts import encode_texts
from lab.tiny.world_latents import inactive_latents, read_world

with job(snakemake.log[0], "tiny faces"):
    tiny, learned, out = snakemake.params.tiny, Path(snakemake.input.model).parent, Path(snakemake.output[0]).parent
    files, cpu = [Path(file) for file in snakemake.input.world], torch.device("cpu")
    world, made_from = read_world(files), [*files, Path(snakemake.input.model), Path(snakemake.input.vae)]
    vae, transformer = load_vae(Path(snakemake.input.vae).parents[1], cpu), load_transformer(learned, torch.float32, cpu)
    branch = load_face_branch(learned / FACE_BRANCH)
    losses = refine_transformer(
        transformer, branch, vae,
        FaceLoss(Path(snakemake.input.face_model).parent, torch.bfloat16),
        world,
        encode_texts(world.prompts, tiny["seed"]),
        inactive_latents(vae, tiny["frames"], tiny["side"]),
        TinyTransformer(**tiny["transformer"]),
        steps=tiny["steps"], seed=tiny["seed"], compiled=snakemake.params.compiled,
        state=state_folder(out.with_name("faces-state"), tiny, made_from),
    )  # fmt: skip
    meta, decoder = read_json(Path(snakemake.input.model)), pd.read_csv(snakemake.input.decoder_losses)
    meta["recipe"] = snakemake.params.recipe
    meta["losses"] |= {"decoder": history(decoder["picture"].tolist()), "faces": history(losses["flow"].tolist())}
    publish(out, vae=vae, transformer=transformer, branch=branch, seed=tiny["seed"], meta=meta)
