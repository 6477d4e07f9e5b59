"""Extract landmarks from the clips of one shard and draw their control videos."""

from pathlib import Path

from facedance.config.sections import Poses, WanModel
from facedance.job import job
from facedance.poses.extract import extract_shard

with job(snakemake.log[0], f"poses {snakemake.wildcards.shard}"):
    poses = Poses(**snakemake.params.poses)
    extract_shard(
        clips_manifest=Path(snakemake.input.clips),
        clips_folder=Path(snakemake.params.clips_folder),
        keypoints_folder=Path(snakemake.params.keypoints_folder) if poses.use_keypoints2d else None,
        model=Path(snakemake.input.pose_model),
        params=poses,
        wan=WanModel(**snakemake.params.wan),
        folder=Path(snakemake.params.folder),
        landmarks=Path(snakemake.output.landmarks),
        manifest=Path(snakemake.output.manifest),
        stamp=Path(snakemake.input.stamp),
        workers=snakemake.threads,
    )
