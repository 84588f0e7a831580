"""Which lines of which files were touched since a revision, asked of git."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bitext.errors import ConfigError

_HUNK = re.compile(rb"^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Touched:
    """Lines of one file, 1-based.

    Parameters
    ----------
    lines : tuple of (int, int)
        First and last line of what was written.
    cuts : tuple of int
        Lines after which something was taken away and nothing written.
    whole : bool
        The file is new, or git cannot tell its lines.
    """

    lines: tuple[tuple[int, int], ...] = ()
    cuts: tuple[int, ...] = ()
    whole: bool = False

    def __bool__(self) -> bool:
        return self.whole or bool(self.lines or self.cuts)

    def meets(self, first: int, last: int) -> bool:
        """Whether anything of the lines `first` to `last` was written, or taken away between them."""
        return (
            self.whole
            or any(a <= last and first <= b for a, b in self.lines)
            or any(first <= cut < last for cut in self.cuts)
        )


def touched_since(revision: str, paths: Iterable[Path], *, folder: Path) -> dict[Path, Touched]:
    """Compare files in the working tree with where they and `revision` parted.

    Parameters
    ----------
    revision : str
        Anything git knows as a commit.
    paths : iterable of Path
        What is not in the repository of `folder` counts as new.
    folder : Path

    Returns
    -------
    dict of Path to Touched
        For each path; a file that was only renamed was not touched.

    Raises
    ------
    ConfigError
        If there is no git, no repository around `folder`, or no such revision in it.
    """
    top = Path(_text(_git(folder, "rev-parse", "--show-toplevel")))
    commit = _text(_git(folder, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}"))
    # a shallow clone may not reach the fork; then the revision itself is what there is
    base = _text(_git(top, "merge-base", commit, "HEAD", fails="")) or commit
    changed = _changed_files(top, base)
    touched = {}
    for path in paths:
        inside = path.resolve()
        if not inside.is_relative_to(top.resolve()):
            touched[path] = Touched(whole=True)
            continue
        name = inside.relative_to(top.resolve()).as_posix()
        touched[path] = _touched(top, base, changed[name], name) if name in changed else Touched()
    return touched


def _changed_files(top: Path, base: str) -> dict[str, str]:
    """Map each changed file to its old name; "" if it is new."""
    fields = _git(top, "diff", "--name-status", "-z", "-M", "--no-ext-diff", base).decode(
        "utf-8", "surrogateescape"
    )
    items = iter(fields.split("\0"))
    changed = {}
    for status in items:
        if not status:
            break
        old = next(items)
        name = next(items) if status[0] in "RC" else old
        changed[name] = "" if status[0] == "A" else old
    untracked = _git(top, "ls-files", "--others", "--exclude-standard", "-z").decode(
        "utf-8", "surrogateescape"
    )
    return changed | {name: "" for name in untracked.split("\0") if name}


def _touched(top: Path, base: str, old: str, name: str) -> Touched:
    if not old:
        return Touched(whole=True)
    options = ("--unified=0", "-M", "--no-color", "--no-ext-diff", "--no-textconv")
    patch = _git(top, "diff", *options, base, "--", *dict.fromkeys((old, name)))
    if re.search(rb"^Binary files .* differ$", patch, re.MULTILINE):
        return Touched(whole=True)
    lines, cuts = [], []
    for hunk in _HUNK.finditer(patch):
        first, n = int(hunk[1]), int(hunk[2]) if hunk[2] else 1
        if n:
            lines.append((first, first + n - 1))
        else:
            cuts.append(first)
    return Touched(tuple(lines), tuple(cuts))


def _git(folder: Path, *arguments: str, fails: str | None = None) -> bytes:
    command = ["git", "-c", "core.quotepath=off", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise ConfigError("git is not installed; --diff-base needs it. Install git.") from error
    if done.returncode == 0:
        return done.stdout
    if fails is not None:
        return fails.encode()
    said = done.stderr.decode("utf-8", "replace").strip()
    if "not a git repository" in said:
        raise ConfigError(
            f"{folder.resolve()} is in no git repository; --diff-base compares with a revision of one."
        )
    if arguments[0] == "rev-parse":
        asked = arguments[-1].removesuffix("^{commit}")
        raise ConfigError(
            f"git knows no commit {asked!r}; --diff-base takes a branch, tag or commit. "
            "In a shallow clone fetch it first (actions/checkout: fetch-depth: 0)."
        )
    raise ConfigError(f"git {arguments[0]}: {said.splitlines()[0] if said else done.returncode}")


def _text(output: bytes) -> str:
    return output.decode("utf-8", "surrogateescape").strip("\r\n")
