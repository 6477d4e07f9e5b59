"""Find the dancers' own faces in the clips of one shard."""

from pathlib import Path

from facedance.config.sections import Dancers, Faces
from facedance.dancers.embed import DancerFiles, embed_shard
from facedance.faces.backend import open_backend
from facedance.job import job

with job(snakemake.log[0], f"dancers {snakemake.wildcards.shard}"):
    faces = Faces(**snakemake.params.faces)
    backend = open_backend(faces.backend, Path(snakemake.input.face_model).parent)
    files = DancerFiles(
        clips=Path(snakemake.input.clips),
        cuts=Path(snakemake.input.cuts),
        videos={name: Path(video) for name, video in snakemake.params.videos.items()},
        clips_folder=Path(snakemake.params.clips_folder),
        landmarks=Path(snakemake.input.landmarks),
        boxes=Path(snakemake.output.boxes),
        embeddings=Path(snakemake.output.embeddings),
        folder=Path(snakemake.params.folder),
    )
    embed_shard(files, backend, Dancers(**snakemake.params.dancers), faces, Path(snakemake.input.stamp))
