# What the laboratory's rules share: its own parameters, and its package.

ROOT = Path(SOURCE).parent
sys.path.insert(0, str(ROOT))
os.environ.update(PYTHONPATH=os.pathsep.join([SOURCE, str(ROOT)]))

from lab.config import load as load_lab
from lab.identity import cast

try:
    LAB = load_lab(Path("lab/params.yaml"))
except ValueError as error:
    raise WorkflowError(f"lab/params.yaml: {error}") from None


def lab_stamp(study, rule, params, items=None):
    """As `stamp`, for a rule of the laboratory."""
    return stamp(study, rule, params, items, prefix="lab/")
