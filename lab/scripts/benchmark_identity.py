"""The benchmark's tables and its picture."""

from pathlib import Path

from facedance.config.render_settings import RenderSettings
from facedance.config.sections import Evaluate, WanModel
from facedance.job import job
from lab.identity.gather import gather

with job(snakemake.log[0], "benchmark identity"):
    gather(
        [Path(file) for file in snakemake.input.scores],
        [Path(file).parents[1] for file in snakemake.input.people],
        WanModel(**snakemake.params.wan),
        RenderSettings(**snakemake.params.render["settings"]),
        Evaluate(**snakemake.params.evaluate),
        Path(snakemake.output[0]).parent,
    )
