"""Select the usable photos of one identity and compute the embedding of each."""

from pathlib import Path

from facedance.config.sections import Faces
from facedance.faces.backend import open_backend
from facedance.faces.embed import embed_photos
from facedance.job import job

identity = snakemake.wildcards.identity
with job(snakemake.log[0], f"faces of {identity}"):
    faces = Faces(**snakemake.params.faces)
    embed_photos(
        identity,
        snakemake.params.consent,
        {name: Path(photo) for name, photo in snakemake.params.photos.items()},
        faces,
        open_backend(faces.backend, Path(snakemake.input.face_model).parent),
        Path(snakemake.output[0]).parent,
    )
