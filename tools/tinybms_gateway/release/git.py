"""What the release commands ask of git, through its command line."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
"""Set by git when it runs a hook; they would lead away from the requested folder."""
COMMIT_BEGINS = re.compile(r"\x01(?=[0-9a-f]{40,64}\0\d+\0)")
BRANCH_NAMES = ("refs/heads/{0}", "refs/remotes/origin/{0}")


@dataclass(frozen=True)
class Commit:
    """A commit: full hash, committer date (UTC), first line of its message, and the files that it changed."""

    hash: str
    time: datetime
    subject: str
    files: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """The hash as people write it."""
        return self.hash[:10]


class GitError(ValueError):
    """git refused; the message is its last line."""


class Repository:
    """A git work tree.

    Raises:
        GitError: the folder is not in a work tree, or has no commit, or git is missing.
    """

    def __init__(self, folder: Path) -> None:
        try:
            top = _run(folder, "rev-parse", "--show-toplevel").rstrip("\n")
        except GitError as error:
            raise GitError(
                f"{folder}: not in a git work tree ({error}); run it in the source tree, or give --root"
            ) from None
        self.root = Path(top)
        if self.resolve("HEAD") is None:
            raise GitError(f"{self.root}: there is no commit yet")

    def run(self, *arguments: str, text: str | None = None) -> str:
        """Output of a git command, which is raised as a GitError when it fails."""
        return _run(self.root, *arguments, text=text)

    def resolve(self, name: str) -> str | None:
        """Full hash of the commit that a name leads to; None if there is none."""
        try:
            return self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip()
        except GitError:
            return None

    def head(self) -> Commit:
        """The commit that is checked out."""
        return self.log("-1", "HEAD")[0]

    def branch(self) -> str | None:
        """The branch that is checked out; None: there is none."""
        try:
            return self.run("symbolic-ref", "--quiet", "--short", "HEAD").strip()
        except GitError:
            return None

    def log(self, *arguments: str) -> list[Commit]:
        """Commits, newest first, without their files."""
        lines = self.run("log", "--format=%H%x00%ct%x00%s", *arguments, "--").split("\n")
        return [_commit(line) for line in lines if line]

    def log_with_files(self, revisions: str) -> list[Commit]:
        """Commits without merges, newest first, each with the paths that it changed."""
        output = self.run(
            "log",
            "--no-merges",
            "--no-renames",
            "--name-only",
            "-z",
            "--format=%x01%H%x00%ct%x00%s%x00",
            revisions,
            "--",
        )
        commits = []
        for entry in COMMIT_BEGINS.split(output)[1:]:
            hash_, seconds, subject, *files = entry.split("\0")
            names = tuple(name.lstrip("\n") for name in files if name.strip("\n"))
            commits.append(Commit(hash_, _utc(seconds), _printable(subject), names))
        return commits

    def changed_files(self, apart_from: Path) -> list[str]:
        """Paths that differ from HEAD, or are neither in it nor ignored, or that git was told to ignore; sorted.

        Args:
            apart_from: a folder of what releases leave behind; files in it that git does not know do not count, unless
                it holds the whole tree, whose sources would not count either
        """
        outputs = apart_from.resolve()
        around_the_tree = self.root.resolve().is_relative_to(outputs)

        def is_output(entry: str) -> bool:
            if around_the_tree or not entry.startswith("??"):
                return False
            return (self.root / entry[3:]).resolve().is_relative_to(outputs)

        status = self.run("status", "--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames").split("\0")
        return sorted({*self._unwatched(), *(entry[3:] for entry in status if entry and not is_output(entry))})

    def _unwatched(self) -> Iterator[str]:
        """Files whose changes `git update-index --assume-unchanged` or `--skip-worktree` hides; with the latter those
        that are there, as a sparse checkout has none of them."""
        for entry in self.run("ls-files", "-v", "-z").split("\0"):
            flag, path = entry[:1], entry[2:]
            if flag.islower() or (flag == "S" and (self.root / path).exists()):
                yield path

    def tracked(self, *patterns: str) -> list[str]:
        """Paths of tracked files, by git's path patterns."""
        return [path for path in self.run("ls-files", "-z", "--", *patterns).split("\0") if path]

    def show(self, revision: str, path: str) -> str | None:
        """Content of a file in a commit; None: it is not there."""
        try:
            return self.run("show", f"{revision}:{path}")
        except GitError:
            return None

    def is_shallow(self) -> bool:
        """Whether history is cut off, as `git clone --depth` does."""
        return self.run("rev-parse", "--is-shallow-repository").strip() == "true"

    def tag_before(self, revision: str) -> str | None:
        """The nearest tag vX.Y.Z at or before a commit."""
        try:
            return self.run("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*.[0-9]*.[0-9]*", revision).strip()
        except GitError:
            return None

    def branches(self, name: str) -> list[str]:
        """The local branch and that of origin, if they exist, as full references."""
        references = [pattern.format(name) for pattern in BRANCH_NAMES]
        return [reference for reference in references if self.resolve(reference) is not None]


def _commit(line: str) -> Commit:
    hash_, seconds, subject = line.split("\0", 2)
    return Commit(hash_, _utc(seconds), _printable(subject))


def _printable(subject: str) -> str:
    """Without what would move the cursor of a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in subject)


def _utc(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), timezone.utc)


def _run(folder: Path, *arguments: str, text: str | None = None) -> str:
    """Run git in a folder; without colours, translations and locks, whatever the user's settings are."""
    kept = {name: value for name, value in os.environ.items() if name not in OF_A_HOOK}
    environment = {**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    command = ["git", "-c", "core.quotepath=off", "-c", "color.ui=false", "-c", "log.showSignature=false", *arguments]
    try:
        result = subprocess.run(
            command, cwd=folder, env=environment, input=text, capture_output=True, check=False,
            encoding="utf-8", errors="replace",
        )  # fmt: skip
    except FileNotFoundError:
        if not folder.is_dir():
            raise GitError(f"{folder}: no such folder") from None
        raise GitError("git is not on PATH: install it (apt-get install git)") from None
    if result.returncode != 0:
        said = result.stderr.strip().splitlines() or ["failed"]
        raise GitError(f"git {arguments[0]}: {said[-1].removeprefix('fatal: ')}")
    return result.stdout
