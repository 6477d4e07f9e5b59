"""Build the tiny Wan2.1-VACE: its VAE is trained and part of the repository, everything else comes from a seed."""

import shutil
from pathlib import Path

from facedance.job import job
from facedance.models.manifest import write_manifest
from facedance.wan.tiny import build_tiny

with job(snakemake.log[0], "tiny model"):
    folder = Path(snakemake.output[0]).parent
    build_tiny(folder, seed=0)
    shutil.copytree(snakemake.input.vae, folder / "vae", dirs_exist_ok=True)
    write_manifest(folder)
