"""Fetch a video of the AIST Dance Video Database from its server."""

from pathlib import Path

from facedance.aist.fetch import fetch_video
from facedance.job import job

with job(snakemake.log[0], f"AIST {snakemake.wildcards.video}"):
    fetch_video(f"{snakemake.params.folder}/{snakemake.wildcards.video}.mp4", Path(snakemake.output[0]))
