"""Train a face branch for a model from the portraits of many people."""

from pathlib import Path

from facedance.config.face_branch import FaceBranchTraining
from facedance.config.render_settings import RenderSettings
from facedance.config.sections import Train, WanModel
from facedance.face_branch.train import BranchFiles, Judging, train_face_branch
from facedance.job import job
from facedance.train.distributed import in_processes

with job(snakemake.log[0], "train the face branch", snakemake.threads):
    files = BranchFiles(
        tables=[Path(file) for file in snakemake.input.tables],
        latents=[Path(file) for file in snakemake.input.latents],
        texts=Path(snakemake.input.texts),
        model=Path(snakemake.input.model).parent,
        recogniser=Path(snakemake.input.face_model).parent,
        state=Path(snakemake.params.checkpoints),
        branch=Path(snakemake.output.branch).parent,
        metrics=Path(snakemake.output.metrics),
    )
    judging = Judging(snakemake.params.faces["backend"], RenderSettings(**snakemake.params.settings))
    wan, train = WanModel(**snakemake.params.wan), Train(**snakemake.params.train)
    chosen = FaceBranchTraining(**snakemake.params.face_branch)
    in_processes(snakemake.resources.gpu, lambda rank: train_face_branch(files, wan, train, chosen, judging, rank))
