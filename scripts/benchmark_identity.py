"""The benchmark's tables and its picture."""

from pathlib import Path

from facedance.benchmark.gather import gather
from facedance.job import job
from facedance.sections import Evaluate, WanModel
from facedance.variants import RenderSettings

with job(snakemake.log[0], "benchmark identity"):
    gather(
        [Path(file) for file in snakemake.input.scores],
        [Path(file).parents[1] for file in snakemake.input.people],
        WanModel(**snakemake.params.wan),
        RenderSettings(**snakemake.params.render["settings"]),
        Evaluate(**snakemake.params.evaluate),
        Path(snakemake.output[0]).parent,
    )
