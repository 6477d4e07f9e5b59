"""Make the sample photos of one identity."""

from pathlib import Path

from facedance.job import job
from facedance.sample.photos import make_photos

with job(snakemake.log[0], f"sample photos of {snakemake.wildcards.identity}"):
    record = Path(snakemake.output[0])
    make_photos(record.parents[1], snakemake.wildcards.identity, snakemake.params.seed, record)
