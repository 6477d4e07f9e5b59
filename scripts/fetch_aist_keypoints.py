"""Fetch AIST++'s keypoints of a sequence."""

from pathlib import Path

from facedance.aist.fetch import fetch_annotation
from facedance.job import job

with job(snakemake.log[0], f"AIST++ {snakemake.wildcards.sequence}"):
    name = f"keypoints2d/{snakemake.wildcards.sequence}.pkl"
    otherwise = "take the sequence out of aist.videos, or set aist.keypoints to false"
    fetch_annotation(snakemake.params.annotations, name, Path(snakemake.output[0]), otherwise)
