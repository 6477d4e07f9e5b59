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
        Path(snakemake.params.clips_folder),
        Path(snakemake.input.landmarks),
        open_backend(faces.backend, Path(snakemake.input.face_model).parent),
        Dancers(**snakemake.params.dancers),
        faces,
        boxes=Path(snakemake.output.boxes),
        embeddings=Path(snakemake.output.embeddings),
        folder=Path(snakemake.params.folder),
        stamp=Path(snakemake.input.stamp),
    )
