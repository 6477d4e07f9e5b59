"""Fetch a Wan2.1-VACE from the model hub at its pinned revision, or take it from a folder of this machine."""

from pathlib import Path

from facedance.job import job
from facedance.models.hub import Source, fetch_snapshot
from facedance.models.local import take_folder
from facedance.models.manifest import write_manifest
from facedance.wan.architectures import find_architecture

with job(snakemake.log[0], f"model {snakemake.wildcards.model}"):
    name, model, folder = snakemake.wildcards.model, snakemake.params.model, Path(snakemake.output[0]).parent
    if model["folder"]:
        source = Path(model["folder"]).expanduser()
        take_folder(source, folder, find_architecture(name, source))
    else:
        fetch_snapshot(Source(model["repo"], model["revision"], f"models.{name}"), folder)
    write_manifest(folder)
