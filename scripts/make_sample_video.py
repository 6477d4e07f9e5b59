"""Render one dance video of the sample, with its ground truth."""

from pathlib import Path

from facedance.config.sections import Sample
from facedance.job import job
from facedance.sample.record import record_own
from facedance.sample.videos import make_video

with job(snakemake.log[0], f"sample video {snakemake.wildcards.video}"):
    make_video(
        snakemake.wildcards.video,
        Sample(**snakemake.params.sample),
        video=Path(snakemake.output.video),
        ground_truth=Path(snakemake.output.ground_truth),
    )
    record_own(Path(snakemake.output.record), [Path(snakemake.output.video)])
