"""Look at the portraits of a part of data/people, and encode those that can be learned from."""

from pathlib import Path

from facedance.config.sections import Faces, Poses, WanModel
from facedance.face_branch.portraits import PartFiles, encode_part, require_licence
from facedance.faces.backend import open_backend
from facedance.job import job

with job(snakemake.log[0], f"portraits {snakemake.wildcards.part}", snakemake.threads):
    require_licence(snakemake.params.licence)
    faces = Faces(**snakemake.params.faces)
    files = PartFiles(
        portraits={name: Path(portrait) for name, portrait in snakemake.params.portraits.items()},
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
