"""Encode the clips of one shard and their control videos into latents."""

from pathlib import Path

from facedance.config.sections import WanModel
from facedance.job import job
from facedance.latents.encode import encode_shard

with job(snakemake.log[0], f"latents {snakemake.wildcards.shard}", snakemake.threads):
    encode_shard(
        Path(snakemake.input.model).parent,
        WanModel(**snakemake.params.wan),
        clips_manifest=Path(snakemake.input.clips),
        clips_folder=Path(snakemake.params.clips_folder),
        poses_manifest=Path(snakemake.input.poses),
        poses_folder=Path(snakemake.params.poses_folder),
        references_folder=Path(snakemake.params.references_folder),
        folder=Path(snakemake.params.folder),
        manifest=Path(snakemake.output[0]),
        stamp=Path(snakemake.input.stamp),
    )
