"""Write the known joints of a sample video in AIST++'s keypoints2d format."""

from pathlib import Path

from facedance.config.sections import Sample
from facedance.job import job
from facedance.sample.keypoints import write_keypoints2d

with job(snakemake.log[0], f"sample keypoints {snakemake.wildcards.sequence}"):
    write_keypoints2d(Path(snakemake.input.ground_truth), Path(snakemake.output[0]), Sample(**snakemake.params.sample))
