"""Remove what is left over of people, videos and shards that the project has no more."""

import logging
from pathlib import Path

from facedance.job import job
from facedance.rerun.prune import Wanted, prune

with job(snakemake.log[0], "prune"):
    for path in prune(Path(), Wanted(**snakemake.params)):
        logging.getLogger("facedance").info("removed %s", path)
