"""Score the renders of one person in the clips of one shard."""

from pathlib import Path

from facedance.config.rendering import Blend
from facedance.config.sections import Evaluate, WanModel
from facedance.evaluate.score import ScoreFiles, score_shard
from facedance.faces.backend import open_backend
from facedance.job import job

with job(snakemake.log[0], f"score {snakemake.wildcards.who} {snakemake.wildcards.shard}"):
    files = ScoreFiles(
        renders=Path(snakemake.input.manifest),
        named=[tuple(render) for render in snakemake.params.named],
        renders_folder=Path(snakemake.params.renders_folder),
        landmarks=[Path(file) for file in snakemake.input.landmarks],
        identities={Path(file).parent.name: Path(file) for file in snakemake.input.embeddings},
        references={Path(file).parent.name: Path(file) for file in snakemake.input.references},
        dancers=Path(snakemake.input.dancers),
        pose_model=Path(snakemake.input.pose_model),
        observations=Path(snakemake.params.observations),
        scores=Path(snakemake.output.scores),
        seconds=Path(snakemake.output.seconds),
    )
    backend = open_backend(snakemake.params.backend, Path(snakemake.input.face_model).parent)
    blends = {name: Blend(**blend) for name, blend in snakemake.params.blends.items()}
    params, wan = Evaluate(**snakemake.params.evaluate), WanModel(**snakemake.params.wan)
    score_shard(files, backend, blends, params, wan, Path(snakemake.input.stamp))
