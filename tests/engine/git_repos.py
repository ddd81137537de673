"""Small real Git repositories for tests."""

from __future__ import annotations

from pathlib import Path

from git import Actor, Repo

AUTHOR = Actor("Ada", "ada@localhost")


def commit(folder: Path, files: dict[str, str], message: str = "Change") -> str:
    """Write files into a repository (made when it is not there) and commit them; the hash."""
    repository = (
        Repo(folder) if (folder / ".git").exists() else Repo.init(folder, initial_branch="main")
    )
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    repository.git.add(all=True)
    made = repository.index.commit(message, author=AUTHOR, committer=AUTHOR, skip_hooks=True)
    repository.close()
    return made.hexsha


def rewrite(folder: Path) -> None:
    """Replace the newest commit by one of the same files with another message."""
    with Repo(folder) as repository:
        repository.head.set_commit(repository.head.commit.replace(message="Rewritten"))
