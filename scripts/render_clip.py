"""Render one variant of one person or blend in one clip."""

from pathlib import Path

from facedance.job import job
from facedance.render.clips import render_clips
from facedance.render.requests import RuleParams, render_request, single_job

wildcards = snakemake.wildcards
with job(snakemake.log[0], f"render {wildcards.who} {wildcards.clip} {wildcards.variant}", snakemake.threads):
    params = snakemake.params
    request = render_request(
        snakemake.input, RuleParams(**params.render), params.texts, params.loras, Path(params.latents_folder)
    )
    latents = Path(snakemake.input.latents)
    render_clips(
        [single_job(wildcards.who, wildcards.clip, wildcards.variant, latents, request.settings)],
        request.inputs,
        folder=Path(snakemake.params.folder),
        stamp=Path(snakemake.input.stamp),
        provenance=request.provenance,
    )
    for file in snakemake.output:  # what was there already is as good as new
        Path(file).touch()
