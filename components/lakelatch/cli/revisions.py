"""A model as it stood in a revision of git."""

import subprocess
from pathlib import Path, PurePosixPath

from lakelatch.cli.model_files import MAIN, ModelFiles
from lakelatch.errors import CommandError


def find(revision: str, path: Path) -> ModelFiles | None:
    """The model at a path, with the fragments beside it, as a revision has it; None where it has none there.

    `revision` is whatever git takes for a commit: a branch, a tag, `HEAD~2`, the beginning of a hash.

    Raises:
        CommandError: there is no git, no repository, or no such revision.

    """
    folder = path if path.is_dir() else path.parent
    while not folder.is_dir():  # a path that is only in the revision
        folder = folder.parent
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        raise CommandError(
            f"git knows no revision {revision!r}",
            hint="name a branch, tag or commit that is fetched, a model's file, or a file that Pulumi wrote",
        )
    top = Path((_git(folder, "rev-parse", "--show-toplevel") or "").strip())
    main = PurePosixPath((path.resolve()).relative_to(top.resolve()).as_posix())
    if path.is_dir():
        main = main / MAIN
    sha = commit.strip()
    text = _git(top, "show", f"{sha}:{main}")
    if text is None:
        return None
    listed = _git(top, "ls-tree", "-z", "--name-only", sha, f"{main.with_suffix('.d')}/") or ""
    parts = {
        name: _git(top, "show", f"{sha}:{name}") or "" for name in sorted(listed.split("\0")) if name.endswith(".yaml")
    }
    return ModelFiles(f"{revision}:{main}", text, parts)


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None when it refuses."""
    try:
        said = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise CommandError("there is no `git` on the PATH", hint="name files instead of revisions") from None
    if said.returncode != 0:
        return None
    try:
        return said.stdout.decode()
    except UnicodeDecodeError:
        raise CommandError(f"`git {arguments[0]}` told something that is not UTF-8 text") from None
