"""Encode all prompts."""

from pathlib import Path

import torch

from facedance.job import job
from facedance.latents.encode import encode_prompts

with job(snakemake.log[0], "prompts", snakemake.threads):
    dtype = getattr(torch, snakemake.params.dtype)
    encode_prompts(Path(snakemake.input.model).parent, snakemake.params.prompts, dtype, Path(snakemake.output[0]))
