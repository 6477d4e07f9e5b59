"""Print the plan of params.yaml, or of another of its models: python -m facedance.plan [model]"""

import logging
import sys
from pathlib import Path

from facedance import layout
from facedance.config.params import load
from facedance.plan.report import plan


def main(arguments: list[str], otherwise: Path | None = None) -> None:
    """Print the plan. Ends the process with one sentence if it cannot be made.

    `otherwise`: the folder whose models.yaml counts where there is none.
    """
    logging.getLogger("diffusers").setLevel(logging.ERROR)
    try:
        params = load(Path("params.yaml"), {"model": arguments[0]} if arguments else None, otherwise)
        print(plan(params, Path(layout.folder(layout.WAN_MODEL))), end="")
    except ValueError as error:  # InputError is one
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
