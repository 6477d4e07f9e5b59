"""Render one person of the benchmark in one dance, in every way."""

from pathlib import Path

from facedance.config.render_settings import RenderSettings
from facedance.config.rendering import RenderMemory, RenderSpeed
from facedance.config.sections import WanModel
from facedance.faces.dlib_backend import DlibBackend
from facedance.job import job
from lab.identity.clips import load_clip
from lab.identity.recipes import VARIANTS
from lab.identity.sitters import read_sitter
from lab.identity.studio import Studio

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
