"""Gather the scores of all renders."""

from pathlib import Path

from facedance.evaluate.summary import summarise
from facedance.job import job

with job(snakemake.log[0], "summary"):
    summarise(
        [Path(score) for score in snakemake.input.scores],
        Path(snakemake.input.accuracy),
        Path(snakemake.output.csv),
        Path(snakemake.output.json),
    )
