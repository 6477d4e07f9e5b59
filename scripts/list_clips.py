"""List the clips of all shards, rejected ones included."""

from pathlib import Path

from facedance.clips.tables import list_clips
from facedance.job import job

with job(snakemake.log[0], "clips"):
    manifests = [Path(manifest) for manifest in snakemake.input.manifests]
    list_clips(manifests, snakemake.params.unusable, Path(snakemake.output[0]))
