"""Train the LoRA and face adapter of one identity."""

from pathlib import Path

from facedance.config.captions import TrainingTexts
from facedance.config.sections import Train, WanModel
from facedance.job import job
from facedance.poses.usable import require_poses
from facedance.train.dataset import TrainingFiles
from facedance.train.distributed import in_processes
from facedance.train.loop import AdapterFiles, train_identity

identity = snakemake.wildcards.identity
with job(snakemake.log[0], f"train {identity}", snakemake.threads):
    require_poses([Path(file) for file in snakemake.input.poses])
    files = TrainingFiles(
        model=Path(snakemake.input.model).parent,
        recogniser=Path(snakemake.input.face_model).parent,
        prompts=Path(snakemake.input.captions),
        manifests=[Path(file) for file in snakemake.input.latents],
        latents=Path(snakemake.params.latents_folder),
        boxes=[Path(file) for file in snakemake.input.boxes],
        dancers=[Path(file) for file in snakemake.input.dancers],
        photos=Path(snakemake.input.photos),
        embedding=Path(snakemake.input.embedding),
        faces=Path(snakemake.input.faces),
        tables=[Path(file) for file in snakemake.input.others],
        portraits=[Path(file) for file in snakemake.input.other_latents],
    )
    out = AdapterFiles(
        state=Path(snakemake.params.checkpoints) / identity,
        adapter=Path(snakemake.output.adapter),
        meta=Path(snakemake.output.meta),
        metrics=Path(snakemake.output.metrics),
        validation=Path(snakemake.output.adapter).parent / "validation",
    )
    wan, train = WanModel(**snakemake.params.wan), Train(**snakemake.params.train)
    said = TrainingTexts(**snakemake.params.said)
    in_processes(snakemake.resources.gpu, lambda rank: train_identity(identity, files, out, wan, train, said, rank))
