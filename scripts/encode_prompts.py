"""Encode all prompts."""

from pathlib import Path

from facedance.config.sections import WanModel
from facedance.job import job
from facedance.latents.encode import encode_prompts
from facedance.poses.usable import require_clips

with job(snakemake.log[0], "prompts", snakemake.threads):
    require_clips(Path(snakemake.input.clips), snakemake.params.controls)
    encode_prompts(
        Path(snakemake.input.model).parent,
        WanModel(**snakemake.params.wan),
        {text: text for text in snakemake.params.texts},
        Path(snakemake.output[0]),
    )
