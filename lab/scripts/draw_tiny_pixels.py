"""Draw one part of the pictures that the tiny VAE learns from."""

from pathlib import Path

from facedance.faces.dlib_backend import DlibBackend
from facedance.job import job
from lab.tiny.pixels import make_pixels
from lab.tiny.recipe import people_of

with job(snakemake.log[0], "tiny pixels"):
    tiny = snakemake.params.tiny
    people = people_of(int(snakemake.wildcards.part), tiny["parts"], tiny["people"])
    backend = DlibBackend(Path(snakemake.input.face_model).parent)
    make_pixels(Path(snakemake.output[0]), people, backend, tiny["side"], tiny["seed"])
