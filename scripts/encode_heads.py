"""Encode the heads of a shard's dancers as portraits of others to learn from."""

from pathlib import Path

from facedance.config.sections import Faces, Poses, WanModel
from facedance.dancers.embed import pictures_of
from facedance.face_branch.portraits import PartFiles, encode_part
from facedance.faces.backend import open_backend
from facedance.job import job

with job(snakemake.log[0], f"heads of dancers {snakemake.wildcards.shard}", snakemake.threads):
    faces = Faces(**snakemake.params.faces)
    folder = Path(snakemake.params.folder)
    files = PartFiles(
        portraits=pictures_of(Path(snakemake.input.embeddings), folder, snakemake.params.videos),
        pose_model=Path(snakemake.input.pose_model),
        table=Path(snakemake.output.table),
        latents=Path(snakemake.output.latents),
    )
    encode_part(
        files,
        Path(snakemake.input.model).parent,
        WanModel(**snakemake.params.wan),
        open_backend(faces.backend, Path(snakemake.input.face_model).parent),
        faces,
        Poses(**snakemake.params.poses),
    )
