"""Cut the videos of one shard into clips."""

from pathlib import Path

from facedance.clips.cut import CutFiles, cut_shard
from facedance.config.sections import Clips, WanModel
from facedance.job import job

with job(snakemake.log[0], f"clips {snakemake.wildcards.shard}"):
    files = CutFiles(
        videos={name: Path(video) for name, video in snakemake.params.videos.items()},
        pose_model=Path(snakemake.input.pose_model),
        folder=Path(snakemake.params.folder),
        manifest=Path(snakemake.output[0]),
    )
    params, wan = Clips(**snakemake.params.clips), WanModel(**snakemake.params.wan)
    cut_shard(files, params, wan, Path(snakemake.input.stamp), workers=snakemake.threads)
