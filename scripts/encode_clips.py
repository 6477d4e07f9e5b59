"""Encode the clips of one shard and their control videos into latents."""

from pathlib import Path

from facedance.config.sections import WanModel
from facedance.job import job
from facedance.latents.encode import ClipFiles, LatentFiles, encode_shard

with job(snakemake.log[0], f"latents {snakemake.wildcards.shard}", snakemake.threads):
    sources = ClipFiles(
        clips=Path(snakemake.input.clips),
        clips_folder=Path(snakemake.params.clips_folder),
        poses=Path(snakemake.input.poses),
        poses_folder=Path(snakemake.params.poses_folder),
        references_folder=Path(snakemake.params.references_folder),
    )
    latents = LatentFiles(folder=Path(snakemake.params.folder), manifest=Path(snakemake.output[0]))
    model, wan = Path(snakemake.input.model).parent, WanModel(**snakemake.params.wan)
    encode_shard(sources, latents, model, wan, Path(snakemake.input.stamp), snakemake.params.learned)
