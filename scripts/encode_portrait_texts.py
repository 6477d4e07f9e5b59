"""Encode what is said of portraits."""

from pathlib import Path

from facedance.config.sections import WanModel
from facedance.face_branch.portraits import CAPTION
from facedance.job import job
from facedance.latents.encode import encode_prompts

with job(snakemake.log[0], "texts", snakemake.threads):
    texts = {"portrait": CAPTION, "negative": snakemake.params.negative, "none": ""}
    encode_prompts(Path(snakemake.input.model).parent, WanModel(**snakemake.params.wan), texts, Path(snakemake.output[0]))
