"""`make preview`: what a change does to access since the merge base, and to the local stack under the policies."""

import shutil
import subprocess
import sys
from pathlib import Path

from support.project import REPOSITORY, Project

READER = "      - warehouses.get\n"


def preview(project: Project) -> subprocess.CompletedProcess[str]:
    """The target as by hand; its environment is there, so that none is made."""
    command = ["make", "-o", ".venv/.ready", "preview", f"BIN={Path(sys.executable).parent}", "BASE=main"]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True, timeout=240, check=False)


def test_it_shows_access_and_resources_under_the_policies(fresh: Project) -> None:
    shutil.copy(REPOSITORY / "Makefile", fresh.folder)
    git = ["git", "-c", "user.name=example", "-c", "user.email=example@example.com", "-C", str(fresh.folder)]
    for arguments in (["init", "-q", "-b", "main"], ["add", "stacks/access.yaml"], ["commit", "-qm", "before"]):
        subprocess.run([*git, *arguments], check=True)
    model = fresh.folder / "stacks" / "access.yaml"
    text = model.read_text(encoding="utf-8")
    assert READER in text
    model.write_text(text.replace(READER, f"{READER}      - warehouses.stop\n"), encoding="utf-8")

    done = preview(fresh)
    assert done.returncode != 0
    assert "warehouses.stop" in done.stdout  # access needs no stack
    assert "`lakelatch up` starts it" in done.stderr

    model.write_text(text, encoding="utf-8")
    fresh.lakelatch("up")
    model.write_text(text.replace(READER, f"{READER}      - warehouses.stop\n"), encoding="utf-8")
    done = preview(fresh)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nightly-report may now do 1 action" in done.stdout
    access, _, resources = done.stdout.partition("resources: what is here")
    assert "warehouses.stop" in access
    assert "lakelatch-native:index:GatewayConfig" in resources
    assert "Policy Packs run:" in resources
