"""Encode the accepted photos of one identity as videos of one frame."""

from pathlib import Path

from facedance.config.sections import Faces, Poses, WanModel
from facedance.faces.backend import open_backend
from facedance.job import job
from facedance.latents.photos import PhotoFiles, encode_photos

with job(snakemake.log[0], f"photo latents of {snakemake.wildcards.identity}", snakemake.threads):
    faces = Faces(**snakemake.params.faces)
    files = PhotoFiles(
        table=Path(snakemake.input.photos_csv),
        photos={name: Path(photo) for name, photo in snakemake.params.photos.items()},
        reference=Path(snakemake.input.reference),
        pose_model=Path(snakemake.input.pose_model),
        latents=Path(snakemake.output[0]),
    )
    model, wan = Path(snakemake.input.model).parent, WanModel(**snakemake.params.wan)
    encode_photos(
        snakemake.wildcards.identity,
        files,
        model,
        wan,
        open_backend(faces.backend, Path(snakemake.input.face_model).parent),
        faces,
        Poses(**snakemake.params.poses),
        snakemake.params.shares,
    )
