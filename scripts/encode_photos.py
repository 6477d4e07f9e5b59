"""Encode the accepted photos of one identity as videos of one frame."""

from pathlib import Path

from facedance.config.sections import Faces, Poses, WanModel
from facedance.faces.backend import open_backend
from facedance.job import job
from facedance.latents.photos import encode_photos

with job(snakemake.log[0], f"photo latents of {snakemake.wildcards.identity}", snakemake.threads):
    faces = Faces(**snakemake.params.faces)
    encode_photos(
        Path(snakemake.input.model).parent,
        WanModel(**snakemake.params.wan),
        snakemake.wildcards.identity,
        photos_csv=Path(snakemake.input.photos_csv),
        photos=[Path(photo) for photo in snakemake.input.photos],
        backend=open_backend(faces.backend, Path(snakemake.input.face_model).parent),
        faces=faces,
        pose_model=Path(snakemake.input.pose_model),
        poses=Poses(**snakemake.params.poses),
        reference=Path(snakemake.input.reference),
        out=Path(snakemake.output[0]),
    )
