"""Put the dancers of all shards into one file, so that a score depends on one file and not on every shard's."""

from pathlib import Path

from facedance.dancers.embed import gather_dancers
from facedance.job import job

with job(snakemake.log[0], "dancers"):
    gather_dancers([Path(file) for file in snakemake.input.embeddings], Path(snakemake.output[0]))
