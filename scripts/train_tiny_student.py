"""Train a student of the recogniser."""

from pathlib import Path

from facedance.files import atomic
from facedance.job import job
from facedance.tiny.sightings import read_sightings
from facedance.tiny.student import save_student, train_student

with job(snakemake.log[0], "tiny student"):
    kinds = (snakemake.input.heads, snakemake.input.guesses)
    sightings = [read_sightings([Path(file) for file in files]) for files in kinds]
    student, losses = train_student(sightings, **snakemake.params.tiny)
    save_student(student, Path(snakemake.output.weights))
    with atomic(snakemake.output.metrics) as temporary:
        losses.to_csv(temporary, index=False)
