"""Fetch AIST++'s list of videos that are to be left out."""

from pathlib import Path

from facedance.aist.fetch import fetch_annotation
from facedance.job import job

with job(snakemake.log[0], "AIST++'s ignore list"):
    otherwise = "set aist.ignore_list to false, or clips.ignore_list to a file of yours"
    fetch_annotation(snakemake.params.annotations, "ignore_list.txt", Path(snakemake.output[0]), otherwise)
