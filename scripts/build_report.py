"""Build the page that shows and lists everything."""

from pathlib import Path

from facedance.config.params import validate
from facedance.job import job
from facedance.report.build import ReportFiles, build_report

with job(snakemake.log[0], "report"):
    files = ReportFiles(
        metrics=Path(snakemake.input.metrics),
        seconds=Path(snakemake.input.seconds),
        accuracy=Path(snakemake.input.accuracy),
        clips=Path(snakemake.input.clips),
        poses=[Path(file) for file in snakemake.input.poses],
        faces={Path(file).parent.name: Path(file).parent for file in snakemake.input.photos},
        training={Path(file).parent.name: Path(file).parent for file in snakemake.input.training},
        renders_folder=Path(snakemake.params.renders_folder),
        clips_folder=Path(snakemake.params.clips_folder),
        poses_folder=Path(snakemake.params.poses_folder),
        model=Path(snakemake.input.model),
        weights=[Path(file) for file in snakemake.input.weights],
        folder=Path(snakemake.output[0]).parent,
    )
    build_report(validate(snakemake.params.all), files)
