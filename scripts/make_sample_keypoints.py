"""Write the known joints of a sample video in AIST++'s keypoints2d format."""

from pathlib import Path

from facedance.config.sections import Sample
from facedance.job import job
from facedance.sample.keypoints import write_keypoints2d
from facedance.sample.record import record_own

with job(snakemake.log[0], f"sample keypoints {snakemake.wildcards.sequence}"):
    keypoints = Path(snakemake.output.keypoints)
    write_keypoints2d(Path(snakemake.input.ground_truth), keypoints, Sample(**snakemake.params.sample))
    record_own(Path(snakemake.output.record), [keypoints])
