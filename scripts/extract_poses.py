"""Extract landmarks from the clips of one shard and draw their control videos."""

from pathlib import Path

from facedance.config.sections import Poses, WanModel
from facedance.job import job
from facedance.poses.extract import PoseFiles, extract_shard

with job(snakemake.log[0], f"poses {snakemake.wildcards.shard}"):
    poses = Poses(**snakemake.params.poses)
    files = PoseFiles(
        clips=Path(snakemake.input.clips),
        clips_folder=Path(snakemake.params.clips_folder),
        keypoints={Path(file).stem: Path(file) for file in snakemake.input.keypoints},
        model=Path(snakemake.input.pose_model),
        landmarks=Path(snakemake.output.landmarks),
        manifest=Path(snakemake.output.manifest),
        folder=Path(snakemake.params.folder),
    )
    extract_shard(files, poses, WanModel(**snakemake.params.wan), Path(snakemake.input.stamp), workers=snakemake.threads)
