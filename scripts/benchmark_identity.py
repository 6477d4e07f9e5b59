"""Measure whose face is seen in renders of people that nothing was trained on."""

from pathlib import Path

from facedance.benchmark.run import Extent, Weights, benchmark
from facedance.job import job
from facedance.params import validate

with job(snakemake.log[0], "benchmark identity"):
    benchmark(
        validate(snakemake.params.all),
        Weights(
            model=Path(snakemake.input.model).parent,
            faces=Path(snakemake.input.face_model).parent,
            pose=Path(snakemake.input.pose_model),
        ),
        Extent(**snakemake.params.extent),
        Path(snakemake.output[0]).parent,
    )
