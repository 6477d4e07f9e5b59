"""Look at one part of the pictures with the recogniser, before and after the tiny VAE."""

from pathlib import Path

import torch

from facedance.faces.dlib_backend import DlibBackend
from facedance.job import job
from facedance.tiny.sightings import LEAST_SCORE, save_sightings, see_heads
from facedance.wan.load import load_vae

with job(snakemake.log[0], "tiny heads"):
    seen = see_heads(
        Path(snakemake.input.pixels),
        load_vae(Path(snakemake.input.vae).parents[1], torch.device("cpu")),
        DlibBackend(Path(snakemake.input.face_model).parent, LEAST_SCORE),
        snakemake.params.tiny["seed"],
    )
    save_sightings(seen, Path(snakemake.output[0]))
