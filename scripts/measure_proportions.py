"""Measure how one person is built, from the photos."""

from pathlib import Path

from facedance.config.sections import Poses
from facedance.faces.proportions import measure_proportions
from facedance.job import job

identity = snakemake.wildcards.identity
with job(snakemake.log[0], f"proportions of {identity}"):
    measure_proportions(
        identity,
        Path(snakemake.input.photos_csv),
        {name: Path(photo) for name, photo in snakemake.params.photos.items()},
        Path(snakemake.input.pose_model),
        Poses(**snakemake.params.poses),
        Path(snakemake.output[0]),
    )
