"""Bring ready-made control videos to the model's length, frame rate and shape."""

from pathlib import Path

from facedance.clips.control import prepare_control
from facedance.config.sections import WanModel
from facedance.job import job

with job(snakemake.log[0], "control videos"):
    prepare_control(
        {name: Path(video) for name, video in snakemake.params.videos.items()},
        snakemake.params.unusable,
        Path(snakemake.params.folder),
        Path(snakemake.output[0]),
        WanModel(**snakemake.params.wan),
        Path(snakemake.input.stamp),
        whole=snakemake.params.whole,
    )
