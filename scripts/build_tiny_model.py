"""Build the tiny Wan2.1-VACE."""

from pathlib import Path

from facedance.job import job
from facedance.models.manifest import write_manifest
from facedance.wan.tiny import build_tiny

with job(snakemake.log[0], "tiny model"):
    folder = Path(snakemake.output[0]).parent
    build_tiny(folder, seed=0)
    write_manifest(folder)
