"""Fetch a Wan2.1-VACE from the model hub at its pinned revision, or take it from a folder of this machine."""

from pathlib import Path

from facedance.job import job
from facedance.models.hub import fetch_snapshot
from facedance.models.local import take_folder
from facedance.models.manifest import write_manifest
from facedance.wan.architectures import find_architecture

with job(snakemake.log[0], f"model {snakemake.wildcards.model}"):
    folder = Path(snakemake.output[0]).parent
    if snakemake.params.folder:
        architecture = find_architecture(snakemake.wildcards.model, folder)
        take_folder(Path(snakemake.params.folder).expanduser(), folder, architecture)
    else:
        fetch_snapshot(snakemake.params.repo, snakemake.params.revision, folder)
    write_manifest(folder)
