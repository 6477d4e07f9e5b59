"""Train the LoRA and face adapter of one identity."""

from pathlib import Path

from facedance.config.captions import TrainingTexts
from facedance.config.sections import Train, WanModel
from facedance.job import job
from facedance.poses.usable import require_clips, require_poses
from facedance.train.distributed import in_processes
from facedance.train.loop import AdapterFiles, train_identity
from facedance.train.requests import judge_files, training_files

identity = snakemake.wildcards.identity
with job(snakemake.log[0], f"train {identity}", snakemake.threads):
    require_clips(Path(snakemake.input.clips), snakemake.params.controls)
    require_poses([Path(file) for file in snakemake.input.poses])
    files = training_files(snakemake.input, Path(snakemake.params.latents_folder))
    judges = judge_files(snakemake.input, snakemake.params.backend)
    out = AdapterFiles(
        state=Path(snakemake.params.checkpoints) / identity,
        adapter=Path(snakemake.output.adapter),
        meta=Path(snakemake.output.meta),
        metrics=Path(snakemake.output.metrics),
        likeness=Path(snakemake.output.likeness),
        validation=Path(snakemake.output.adapter).parent / "validation",
    )
    wan, train = WanModel(**snakemake.params.wan), Train(**snakemake.params.train)
    said = TrainingTexts(**snakemake.params.said)
    in_processes(snakemake.resources.gpu, lambda rank: train_identity(identity, files, out, wan, train, said, rank, judges))
