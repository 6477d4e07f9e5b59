"""Fetch the weights of a face recogniser: dlib's, or a pack of InsightFace."""

from pathlib import Path

from facedance.job import job
from facedance.models.insightface_pack import fetch_insightface_pack
from facedance.models.manifest import write_manifest
from facedance.models.package import copy_dlib_weights

with job(snakemake.log[0], f"face model {snakemake.wildcards.pack}"):
    folder = Path(snakemake.output[0]).parent
    if snakemake.wildcards.pack == "dlib":
        copy_dlib_weights(folder)
    else:
        fetch_insightface_pack(snakemake.wildcards.pack, folder)
    write_manifest(folder)
