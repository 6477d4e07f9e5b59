"""Encode one part of the world that the tiny model learns sizes from."""

from pathlib import Path

import torch

from facedance.faces.dlib_backend import DlibBackend
from facedance.job import job
from facedance.wan.load import load_vae
from lab.tiny.recipe import TinySizeWorld, people_of
from lab.tiny.size_world import encode_sizes

with job(snakemake.log[0], "tiny sizes' world"):
    world = TinySizeWorld(**snakemake.params.world)
    encode_sizes(
        load_vae(Path(snakemake.input.model).parent, torch.device("cpu")),
        DlibBackend(Path(snakemake.input.face_model).parent),
        Path(snakemake.input.pose_model),
        people_of(int(snakemake.wildcards.part), world.parts, world.people),
        world,
        Path(snakemake.output[0]),
    )
