"""Gather the scores of all renders."""

from pathlib import Path

from facedance.evaluate.summary import summarise
from facedance.job import job

with job(snakemake.log[0], "summary"):
    summarise(
        [Path(score) for score in snakemake.input.scores],
        [Path(score) for score in snakemake.input.seconds],
        Path(snakemake.input.accuracy),
        metrics_csv=Path(snakemake.output.csv),
        seconds_csv=Path(snakemake.output.seconds),
        metrics_json=Path(snakemake.output.json),
    )
