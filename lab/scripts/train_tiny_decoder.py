"""Train the decoder of the tiny VAE for faces, or go on with it."""

from pathlib import Path

import torch

from facedance.faces.face_loss import FaceLoss
from facedance.files import atomic
from facedance.job import job
from facedance.wan.load import load_vae
from lab.tiny.decoder import refine_decoder
from lab.tiny.learning import state_folder
from lab.tiny.pixels import Pixels
from lab.tiny.recipe import TinyDecoding
from lab.tiny.vae import save_vae

with job(snakemake.log[0], "tiny decoder"):
    files, weights = [Path(file) for file in snakemake.input.pixels], Path(snakemake.input.vae)
    pixels, vae = Pixels(files), load_vae(weights.parents[1], torch.device("cpu"))
    face_loss = FaceLoss(Path(snakemake.input.face_model).parent, torch.bfloat16)
    folder = Path(snakemake.output.weights).parent
    tiny = snakemake.params.tiny
    state = state_folder(folder.with_name("decoder-state"), tiny, [*files, weights])
    goes = [TinyDecoding(**go) for go in tiny["decoder"]]
    losses = refine_decoder(vae, face_loss, pixels, goes, seed=tiny["seed"], state=state)
    save_vae(vae, folder)
    with atomic(snakemake.output.metrics) as temporary:
        losses.to_csv(temporary, index=False)
