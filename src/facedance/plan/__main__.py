"""Print the plan of params.yaml, or of another of its models: python -m facedance.plan [model]"""

import logging
import sys
from pathlib import Path

from facedance.params import load, validate
from facedance.plan.report import plan


def main(arguments: list[str]) -> None:
    """Print the plan. Ends the process with one sentence if it cannot be made."""
    logging.getLogger("diffusers").setLevel(logging.ERROR)
    try:
        params = load(Path("params.yaml"))
        if arguments:
            params = validate(params.model_dump() | {"model": arguments[0]})
        print(plan(params, Path("models")), end="")
    except ValueError as error:  # InputError is one
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
