"""Encode ready-made control videos into latents."""

from pathlib import Path

from facedance.config.sections import WanModel
from facedance.job import job
from facedance.latents.encode import encode_controls

with job(snakemake.log[0], "control latents", snakemake.threads):
    encode_controls(
        Path(snakemake.input.model).parent,
        WanModel(**snakemake.params.wan),
        controls_manifest=Path(snakemake.input.controls),
        controls_folder=Path(snakemake.params.controls_folder),
        folder=Path(snakemake.params.folder),
        manifest=Path(snakemake.output[0]),
        stamp=Path(snakemake.input.stamp),
    )
