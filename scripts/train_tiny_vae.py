"""Train the tiny model's VAE, or go on with it."""

from pathlib import Path

from facedance.files import atomic
from facedance.job import job
from facedance.tiny.pixels import Pixels
from facedance.tiny.vae import save_vae, standardise, train_vae

with job(snakemake.log[0], "tiny VAE"):
    tiny = snakemake.params.tiny
    pixels = Pixels([Path(file) for file in snakemake.input.pixels])
    folder = Path(snakemake.output.weights).parent
    vae, losses = train_vae(pixels, **tiny, state=folder.with_name("vae-state"))
    standardise(vae, pixels, batches=40, seed=tiny["seed"])
    save_vae(vae, folder)
    with atomic(snakemake.output.metrics) as temporary:
        losses.to_csv(temporary, index=False)
