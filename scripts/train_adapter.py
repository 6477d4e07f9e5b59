"""Train the LoRA and face adapter of one identity."""

from pathlib import Path

from facedance.config.sections import Train, WanModel
from facedance.job import job
from facedance.train.dataset import TrainingFiles
from facedance.train.distributed import in_processes
from facedance.train.loop import train_identity

identity = snakemake.wildcards.identity
with job(snakemake.log[0], f"train {identity}", snakemake.threads):
    files = TrainingFiles(
        prompts=Path(snakemake.input.prompts),
        videos=snakemake.params.train["videos"],
        prompt=snakemake.params.prompt,
        empty_prompt="none",
        manifests=[Path(file) for file in snakemake.input.latents],
        latents=Path(snakemake.params.latents_folder),
        boxes=[Path(file) for file in snakemake.input.boxes],
        dancers=[Path(file) for file in snakemake.input.dancers],
        photos=Path(snakemake.input.photos),
        embedding=Path(snakemake.input.embedding),
    )
    arguments = {
        "model": Path(snakemake.input.model).parent,
        "wan": WanModel(**snakemake.params.wan),
        "train": Train(**snakemake.params.train),
        "recogniser": Path(snakemake.input.face_model).parent,
        "state": Path(snakemake.params.checkpoints) / identity,
        "adapter": Path(snakemake.output.adapter),
        "meta": Path(snakemake.output.meta),
        "metrics": Path(snakemake.output.metrics),
        "validation": Path(snakemake.output.adapter).parent / "validation",
        "metadata": {"identity": identity},
    }
    in_processes(snakemake.resources.gpu, lambda rank: train_identity(identity, files=files, rank=rank, **arguments))
