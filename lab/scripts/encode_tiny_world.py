"""Encode one part of the world that the tiny transformer learns from."""

from pathlib import Path

import torch

from facedance.faces.dlib_backend import DlibBackend
from facedance.job import job
from facedance.wan.load import load_vae
from lab.tiny.recipe import people_of
from lab.tiny.world_latents import encode_world

with job(snakemake.log[0], "tiny world"):
    tiny = snakemake.params.tiny
    people = people_of(int(snakemake.wildcards.part), tiny["parts"], tiny["people"])
    encode_world(
        load_vae(Path(snakemake.input.vae).parents[1], torch.device("cpu")),
        DlibBackend(Path(snakemake.input.face_model).parent),
        Path(snakemake.input.pose_model),
        people,
        people[: tiny["dancers"] // tiny["parts"]],
        frames=tiny["frames"],
        side=tiny["side"],
        seed=tiny["seed"],
        path=Path(snakemake.output[0]),
    )
