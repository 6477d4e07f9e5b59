"""Fetch the networks of BlazePose and bundle them for MediaPipe."""

from pathlib import Path

from facedance.job import job
from facedance.models.pose_bundle import fetch_pose_model

with job(snakemake.log[0], "pose model"):
    fetch_pose_model(Path(snakemake.output[0]))
