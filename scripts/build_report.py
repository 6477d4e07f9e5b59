"""Build the page that shows and lists everything."""

from pathlib import Path

from facedance.config.params import validate
from facedance.job import job
from facedance.report.build import build_report

with job(snakemake.log[0], "report"):
    params = validate(snakemake.params.all)
    build_report(
        params=params,
        metrics=Path(snakemake.input.metrics),
        accuracy=Path(snakemake.input.accuracy),
        clips_csv=Path(snakemake.input.clips),
        poses_manifests=[Path(file) for file in snakemake.input.poses],
        faces={Path(file).parent.name: Path(file).parent for file in snakemake.input.photos},
        training={Path(file).parent.name: Path(file).parent for file in snakemake.input.training},
        renders_folder=Path(snakemake.params.renders_folder),
        clips_folder=Path(snakemake.params.clips_folder),
        poses_folder=Path(snakemake.params.poses_folder),
        controls_folder=Path(snakemake.params.poses_folder),
        weights=[Path(file) for file in snakemake.input.weights],
        model_manifest=Path(snakemake.input.model),
        folder=Path(snakemake.output[0]).parent,
    )
