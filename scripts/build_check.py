"""Build the page to look at before the training."""

from pathlib import Path

from facedance.check.build import CheckFiles, build_check
from facedance.config.params import validate
from facedance.job import job

with job(snakemake.log[0], "check"):
    files = CheckFiles(
        clips=Path(snakemake.input.clips),
        poses=[Path(file) for file in snakemake.input.poses],
        faces={Path(file).parent.name: Path(file).parent for file in snakemake.input.photos},
        clips_folder=Path(snakemake.params.clips_folder),
        poses_folder=Path(snakemake.params.poses_folder),
        landmarks=[Path(file) for file in snakemake.input.landmarks],
        folder=Path(snakemake.output[0]).parent,
    )
    build_check(validate(snakemake.params.all), files, snakemake.params.one_face, snakemake.params.controls)
