"""Keys that cannot be used are told before the work, not after it."""

import re


def test_a_wrong_key_stops_a_run_before_any_work(project, tmp_path, monkeypatch):
    monkeypatch.setenv("FACEDANCE_KEYS", str(tmp_path / "keys"))
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "key.pem").touch()
    project.change("marks", {"credentials": True, "watermark": True})
    project.change("train.seed", 1)
    assert project.planned()["train_adapter"]  # a plan signs nothing
    done = project.snakemake(check=False)
    assert done.returncode != 0
    assert "needs both certificate.pem and key.pem" in done.stderr
    assert not re.search("Traceback|Job stats", done.stdout + done.stderr)
