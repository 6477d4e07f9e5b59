"""Look at the renders of one dance of the benchmark."""

from pathlib import Path

from safetensors.numpy import load_file

from facedance.config.sections import WanModel
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.faces.dlib_backend import DlibBackend
from facedance.job import job
from lab.identity.clips import load_clip
from lab.identity.look import Judges
from lab.identity.recipes import VARIANTS
from lab.identity.rows import score_clip
from lab.identity.sitters import read_sitters

with job(snakemake.log[0], f"score {snakemake.wildcards.sitter} {snakemake.wildcards.seed}"):
    judges = Judges(
        DlibBackend(Path(snakemake.input.face_model).parent),
        LandmarkJudge(installed_predictor()),
        Path(snakemake.input.pose_model),
        snakemake.params.every,
        WanModel(**snakemake.params.wan),
    )
    people = read_sitters([Path(file).parent for file in snakemake.input.people])
    own = snakemake.params.own
    clip, wrong = (load_clip(Path(file)) for file in (snakemake.input.clip, snakemake.input.wrong))
    renders = load_file(snakemake.input.renders)
    score_clip(judges, people, own, clip, wrong.joints, renders, VARIANTS, Path(snakemake.output.table))
