"""Train the decoder of the tiny VAE for faces, or go on with it."""

from pathlib import Path

import torch

from facedance.faces.face_loss import FaceLoss
from facedance.files import atomic
from facedance.job import job
from facedance.tiny.decoder import refine_decoder
from facedance.tiny.pixels import Pixels
from facedance.tiny.recipe import TinyDecoding
from facedance.tiny.vae import save_vae
from facedance.wan.load import load_vae

with job(snakemake.log[0], "tiny decoder"):
    pixels = Pixels([Path(file) for file in snakemake.input.pixels])
    vae = load_vae(Path(snakemake.input.vae).parents[1], torch.device("cpu"))
    face_loss = FaceLoss(Path(snakemake.input.face_model).parent, torch.bfloat16)
    folder = Path(snakemake.output.weights).parent
    goes, seed = [TinyDecoding(**go) for go in snakemake.params.tiny["decoder"]], snakemake.params.tiny["seed"]
    losses = refine_decoder(vae, face_loss, pixels, goes, seed=seed, state=folder.with_name("decoder-state"))
    save_vae(vae, folder)
    with atomic(snakemake.output.metrics) as temporary:
        losses.to_csv(temporary, index=False)
