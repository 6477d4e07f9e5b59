"""Draw a dance of the benchmark, with the driving dancer and with the person in their place."""

from pathlib import Path

from facedance.config.sections import Poses, WanModel
from facedance.job import job
from lab.identity.clips import make_clip, save_clip
from lab.identity.sitters import read_sitter

with job(snakemake.log[0], f"dance {snakemake.wildcards.sitter} {snakemake.wildcards.seed}"):
    who = read_sitter(Path(snakemake.input.sitter).parent)
    wan, poses = WanModel(**snakemake.params.wan), Poses(**snakemake.params.poses)
    clip = make_clip(who.face, who.name, int(snakemake.wildcards.seed), wan, poses, Path(snakemake.input.pose_model))
    save_clip(Path(snakemake.output[0]), clip)
