"""Files as targets on the command line."""

from .conftest import new_project


def test_several_files_of_one_rule_are_targets_in_a_fresh_checkout(tmp_path):
    """Their stamps are written while Snakemake builds its graph, one after the other into one folder."""
    project = new_project(tmp_path / "p")
    targets = [f"tiny-training/pixels/{part}.safetensors" for part in ("000", "001")]
    assert project.planned(*targets) == {"fetch_face_model": 1, "draw_tiny_pixels": 2}
