"""Keeping MediaPipe's chatter off stderr."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

# What MediaPipe 1.2 says about itself whenever a model is opened and first used; its native code takes no log level.
_CHATTER = re.compile(
    rb"Created TensorFlow Lite XNNPACK delegate|Logging before InitGoogle|inference_feedback_manager\.cc|"
    rb"landmark_projection_calculator\.cc"
)


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Hold back the process's stderr within the block, then pass on all of it but MediaPipe's known chatter."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile(buffering=0) as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            if os.fstat(held.fileno()).st_size:
                held.seek(0)
                for line in held.read().splitlines(keepends=True):
                    if not _CHATTER.search(line):
                        os.write(2, line)
