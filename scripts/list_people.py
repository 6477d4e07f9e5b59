"""List the portraits of all people, and why some are not used."""

from pathlib import Path

from facedance.face_branch.portraits import list_people
from facedance.job import job

with job(snakemake.log[0], "people"):
    list_people([Path(table) for table in snakemake.input.tables], Path(snakemake.output[0]))
