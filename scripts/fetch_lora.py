"""Fetch a LoRA file from the model hub at its pinned revision."""

from pathlib import Path

from facedance.job import job
from facedance.models.hub import Source, fetch_file

with job(snakemake.log[0], f"LoRA {snakemake.wildcards.lora}"):
    lora = snakemake.params.lora
    source = Source(lora["repo"], lora["revision"], f"render.loras.{snakemake.wildcards.lora}")
    fetch_file(source, lora["file"], Path(snakemake.output[0]))
