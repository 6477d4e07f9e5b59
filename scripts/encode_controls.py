"""Encode ready-made control videos into latents."""

from pathlib import Path

from facedance.config.sections import WanModel
from facedance.job import job
from facedance.latents.encode import LatentFiles, encode_controls

with job(snakemake.log[0], "control latents", snakemake.threads):
    encode_controls(
        controls=Path(snakemake.input.controls),
        controls_folder=Path(snakemake.params.controls_folder),
        latents=LatentFiles(folder=Path(snakemake.params.folder), manifest=Path(snakemake.output[0])),
        model=Path(snakemake.input.model).parent,
        wan=WanModel(**snakemake.params.wan),
        stamp=Path(snakemake.input.stamp),
    )
