"""Cut the videos of one shard into clips."""

from pathlib import Path

from facedance.clips.cut import cut_shard
from facedance.config.sections import Clips, WanModel
from facedance.job import job

with job(snakemake.log[0], f"clips {snakemake.wildcards.shard}"):
    cut_shard(
        videos=[Path(video) for video in snakemake.input.videos],
        folder=Path(snakemake.params.folder),
        manifest=Path(snakemake.output[0]),
        params=Clips(**snakemake.params.clips),
        wan=WanModel(**snakemake.params.wan),
        pose_model=Path(snakemake.input.pose_model),
        stamp=Path(snakemake.input.stamp),
        workers=snakemake.threads,
    )
