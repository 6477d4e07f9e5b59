"""Render one person of the benchmark in one dance, in every way."""

from pathlib import Path

from facedance.benchmark.clips import load_clip
from facedance.benchmark.people import read_sitter
from facedance.benchmark.recipes import VARIANTS
from facedance.benchmark.studio import Studio
from facedance.faces.dlib_backend import DlibBackend
from facedance.job import job
from facedance.sections import RenderMemory, RenderSpeed, WanModel
from facedance.variants import RenderSettings

params, seed = snakemake.params, int(snakemake.wildcards.seed)
with job(snakemake.log[0], f"render {snakemake.wildcards.sitter} {seed}", snakemake.threads):
    studio = Studio(
        Path(snakemake.input.model).parent,
        WanModel(**params.wan),
        RenderSettings(**params.render["settings"]),
        RenderMemory(**params.render["memory"]),
        RenderSpeed(**params.render["speed"]),
        params.prompts,
        DlibBackend.dimension,
    )
    own, other = (read_sitter(Path(file).parent) for file in (snakemake.input.own, snakemake.input.other))
    studio.render_all(load_clip(Path(snakemake.input.clip)), own, other, seed, VARIANTS, Path(snakemake.output[0]))
