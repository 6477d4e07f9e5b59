"""Export the LoRA of one identity for another program."""

from pathlib import Path

from facedance.job import job
from facedance.wan.lora_files import export_lora

with job(snakemake.log[0], f"export {snakemake.wildcards.identity}"):
    export_lora(Path(snakemake.input.adapter), Path(snakemake.output[0]), snakemake.wildcards.format)
