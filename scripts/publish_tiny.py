"""Put the tiny transformer together with the decoder that was trained for faces."""

from pathlib import Path

import pandas as pd
import torch

from facedance.files import read_json
from facedance.job import job
from facedance.tiny.publish import history, publish
from facedance.wan.load import load_transformer, load_vae
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch

with job(snakemake.log[0], "tiny model"):
    model, cpu = Path(snakemake.input.model).parent, torch.device("cpu")
    meta = read_json(Path(snakemake.input.model))
    meta["losses"]["decoder"] = history(pd.read_csv(snakemake.input.decoder_losses)["picture"].tolist())
    publish(
        Path(snakemake.output[0]).parent,
        vae=load_vae(Path(snakemake.input.vae).parents[1], cpu),
        transformer=load_transformer(model, torch.float32, cpu),
        branch=load_face_branch(model / FACE_BRANCH),
        seed=snakemake.params.tiny["seed"],
        meta=meta,
    )
