"""Put the tiny Wan2.1-VACE, whose weights are part of the repository, where models lie."""

import shutil
from pathlib import Path

from facedance.files import replaced
from facedance.job import job
from facedance.models.manifest import write_manifest

with job(snakemake.log[0], "tiny model"):
    folder = Path(snakemake.output[0]).parent
    with replaced(folder) as part:
        shutil.copytree(Path(snakemake.params.weights), part)
    write_manifest(folder)
