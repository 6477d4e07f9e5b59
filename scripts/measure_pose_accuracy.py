"""Compare extracted landmarks with the sample's known joints."""

from pathlib import Path

from facedance.evaluate.accuracy import pose_accuracy
from facedance.job import job
from facedance.poses.usable import require_clips

with job(snakemake.log[0], "pose accuracy"):
    require_clips(Path(snakemake.input.clips), snakemake.params.controls)
    pose_accuracy(
        [Path(file) for file in snakemake.input.ground_truth],
        Path(snakemake.input.clips),
        [Path(file) for file in snakemake.input.landmarks],
        [Path(file) for file in snakemake.input.manifests],
        Path(snakemake.output[0]),
    )
