"""Take the photos of one person of the benchmark."""

from pathlib import Path

from facedance.config.sections import Faces
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.faces.dlib_backend import DlibBackend
from facedance.job import job
from lab.identity.sitters import photograph_sitter

with job(snakemake.log[0], f"photos of {snakemake.wildcards.sitter}"):
    photograph_sitter(
        Path(snakemake.output.photos).parent,
        DlibBackend(Path(snakemake.input.face_model).parent),
        LandmarkJudge(installed_predictor()),
        Faces(**snakemake.params.faces),
    )
