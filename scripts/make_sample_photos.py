"""Make the sample photos of one identity."""

from pathlib import Path

from facedance.job import job
from facedance.sample.photos import make_photos

with job(snakemake.log[0], f"sample photos of {snakemake.wildcards.identity}"):
    make_photos(Path(snakemake.output[0]).parent, snakemake.wildcards.identity, snakemake.params.seed)
