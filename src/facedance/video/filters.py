"""FFmpeg's filters, for the frames of one video."""

import itertools
from collections.abc import Sequence
from fractions import Fraction

import av
from av.video.reformatter import ColorRange


def filter_chain(picture: av.VideoFrame, filters: Sequence[tuple[str, str]], colorspace: int | None = None) -> av.filter.Graph:
    """A graph that takes frames of the size, format and colours of `picture` through filters, given by name and options.

    Args:
        colorspace: FFmpeg's number of the matrix that the frames are coded with; by default the frame says it.
    """
    coded = int(picture.colorspace) if colorspace is None else colorspace
    full = int(picture.color_range) == int(ColorRange.JPEG)
    graph = av.filter.Graph()
    graph.threads = 1  # a graph's threads do not survive a fork, and freeing it in a worker would wait for them for ever
    source = (
        f"video_size={picture.width}x{picture.height}:pix_fmt={picture.format.name}:pixel_aspect=1/1"
        f":time_base={picture.time_base or Fraction(1, 90000)}:colorspace={coded}:range={'pc' if full else 'tv'}"
    )
    chain = [graph.add(name, options) for name, options in (("buffer", source), *filters, ("buffersink", ""))]
    for one, following in itertools.pairwise(chain):
        one.link_to(following)
    graph.configure()
    return graph
