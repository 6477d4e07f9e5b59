"""Score the renders of one person in the clips of one shard."""

from pathlib import Path

from facedance.config.sections import Blend, Evaluate, WanModel
from facedance.evaluate.score import score_shard
from facedance.faces.backend import open_backend
from facedance.job import job

with job(snakemake.log[0], f"score {snakemake.wildcards.who} {snakemake.wildcards.shard}"):
    score_shard(
        manifest=Path(snakemake.input.manifest),
        renders_folder=Path(snakemake.params.renders_folder),
        landmarks=[Path(file) for file in snakemake.input.landmarks],
        identities={Path(file).parent.name: Path(file) for file in snakemake.input.embeddings},
        dancers=Path(snakemake.input.dancers),
        blends={name: Blend(**blend) for name, blend in snakemake.params.blends.items()},
        backend=open_backend(snakemake.params.backend, Path(snakemake.input.face_model).parent),
        pose_model=Path(snakemake.input.pose_model),
        params=Evaluate(**snakemake.params.evaluate),
        wan=WanModel(**snakemake.params.wan),
        observations=Path(snakemake.params.observations),
        out=Path(snakemake.output[0]),
        stamp=Path(snakemake.input.stamp),
    )
