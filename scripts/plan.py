"""Print what the chosen settings will need."""

from pathlib import Path

from facedance.config.params import validate
from facedance.job import job
from facedance.plan.report import plan

with job(snakemake.log[0], "plan"):
    print(plan(validate(snakemake.params.all), Path(snakemake.params.models)), end="")
