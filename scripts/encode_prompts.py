"""Encode all prompts."""

from pathlib import Path

from facedance.config.sections import WanModel
from facedance.job import job
from facedance.latents.encode import encode_prompts

with job(snakemake.log[0], "prompts", snakemake.threads):
    encode_prompts(
        Path(snakemake.input.model).parent,
        WanModel(**snakemake.params.wan),
        snakemake.params.prompts,
        Path(snakemake.output[0]),
    )
