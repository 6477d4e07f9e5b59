"""Fetch a Wan2.1-VACE from the model hub at its pinned revision."""

from pathlib import Path

from facedance.job import job
from facedance.models.hub import fetch_snapshot
from facedance.models.manifest import write_manifest

with job(snakemake.log[0], f"model {snakemake.wildcards.model}"):
    folder = Path(snakemake.output[0]).parent
    fetch_snapshot(snakemake.params.repo, snakemake.params.revision, folder)
    write_manifest(folder)
