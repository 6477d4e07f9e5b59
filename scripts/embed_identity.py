"""Compute the embedding of one identity from those of its photos."""

from pathlib import Path

from facedance.config.sections import Faces
from facedance.faces.identity import embed_identity
from facedance.job import job

identity = snakemake.wildcards.identity
with job(snakemake.log[0], f"identity of {identity}"):
    embed_identity(
        identity,
        snakemake.params.consent,
        Path(snakemake.input.table),
        Path(snakemake.input.photos),
        Faces(**snakemake.params.faces),
        Path(snakemake.output[0]),
    )
