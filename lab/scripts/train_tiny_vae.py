"""Train the tiny model's VAE, or go on with it."""

from pathlib import Path

from facedance.files import atomic
from facedance.job import job
from lab.tiny.learning import state_folder
from lab.tiny.pixels import Pixels
from lab.tiny.vae import STATISTICS_BATCHES, save_vae, standardise, train_vae

with job(snakemake.log[0], "tiny VAE"):
    tiny, files = snakemake.params.tiny, [Path(file) for file in snakemake.input.pixels]
    pixels, folder = Pixels(files), Path(snakemake.output.weights).parent
    vae, losses = train_vae(pixels, **tiny, state=state_folder(folder.with_name("vae-state"), tiny, files))
    standardise(vae, pixels, batches=STATISTICS_BATCHES, seed=tiny["seed"])
    save_vae(vae, folder)
    with atomic(snakemake.output.metrics) as temporary:
        losses.to_csv(temporary, index=False)
