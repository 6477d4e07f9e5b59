"""Encode one part of the world that the tiny model learns masks from."""

from pathlib import Path

import torch

from facedance.faces.dlib_backend import DlibBackend
from facedance.job import job
from facedance.wan.load import load_vae
from lab.tiny.mask_world import encode_masks
from lab.tiny.recipe import TinyMaskWorld, people_of

with job(snakemake.log[0], "tiny masks' world"):
    world = TinyMaskWorld(**snakemake.params.world)
    people = people_of(int(snakemake.wildcards.part), world.parts, world.people)
    encode_masks(
        load_vae(Path(snakemake.input.model).parent, torch.device("cpu")),
        DlibBackend(Path(snakemake.input.face_model).parent),
        Path(snakemake.input.pose_model),
        people,
        people[: world.dancers // world.parts],
        world,
        Path(snakemake.output[0]),
    )
