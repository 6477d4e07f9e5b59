"""Train a LoRA on the photos of one person of the benchmark, and another with the loss that learns nothing."""

from pathlib import Path

from facedance.config.sections import Faces, Poses, Train, WanModel
from facedance.faces.dlib_backend import DlibBackend
from facedance.job import job
from lab.identity.sitters import read_sitter
from lab.identity.training import Trainer

with job(snakemake.log[0], f"train {snakemake.wildcards.sitter}", snakemake.threads):
    trainer = Trainer(
        model=Path(snakemake.input.model).parent,
        wan=WanModel(**snakemake.params.wan),
        params=Train(**snakemake.params.train),
        faces=Faces(**snakemake.params.faces),
        poses=Poses(**snakemake.params.poses),
        backend=DlibBackend(Path(snakemake.input.face_model).parent),
        recogniser=Path(snakemake.input.face_model).parent,
        pose_model=Path(snakemake.input.pose_model),
    )
    who = read_sitter(Path(snakemake.input.photos).parent)
    trainer.train(who, snakemake.params.lora_steps)
