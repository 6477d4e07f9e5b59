"""Render one person or blend in the clips of one shard, with the model loaded once."""

from pathlib import Path

from facedance.config.rendering import Batch
from facedance.job import job
from facedance.render.casting import with_somebody
from facedance.render.clips import render_clips
from facedance.render.requests import RuleParams, render_request, shard_jobs

with job(snakemake.log[0], f"render {snakemake.wildcards.who} {snakemake.wildcards.shard}", snakemake.threads):
    params = snakemake.params
    request = render_request(
        snakemake.input, RuleParams(**params.render), params.texts, params.loras, Path(params.latents_folder)
    )
    latents, batches = Path(snakemake.input.latents), [Batch(**batch) for batch in params.batches]
    asked = shard_jobs(snakemake.wildcards.who, latents, batches, request.settings)
    render_clips(
        with_somebody(asked, request.inputs),
        request.inputs,
        folder=Path(snakemake.params.folder),
        stamp=Path(snakemake.input.stamp),
        provenance=request.provenance,
        manifest=Path(snakemake.output[0]),
    )
