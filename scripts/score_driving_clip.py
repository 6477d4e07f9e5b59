"""Look at the renders of one dance of the benchmark."""

from pathlib import Path

from safetensors.numpy import load_file

from facedance.benchmark.clips import load_clip
from facedance.benchmark.look import Judges
from facedance.benchmark.people import read_sitters
from facedance.benchmark.recipes import VARIANTS
from facedance.benchmark.rows import score_clip
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.faces.dlib_backend import DlibBackend
from facedance.job import job
from facedance.sections import WanModel

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
