"""Find the dancers' own faces in the clips of one shard."""

from pathlib import Path

from facedance.config.sections import Dancers, Faces
from facedance.dancers.embed import embed_shard
from facedance.faces.backend import open_backend
from facedance.job import job

with job(snakemake.log[0], f"dancers {snakemake.wildcards.shard}"):
    faces = Faces(**snakemake.params.faces)
    embed_shard(
        Path(snakemake.input.clips),
        Path("results/clips"),
        Path(snakemake.input.landmarks),
        open_backend(faces.backend, Path(snakemake.input.model).parent),
        Dancers(**snakemake.params.dancers),
        faces,
        boxes=Path(snakemake.output.boxes),
        embeddings=Path(snakemake.output.embeddings),
        folder=Path("results/dancers"),
        stamp=Path(snakemake.input.stamp),
    )
