"""Run the published pre-commit hook as people do: pre-commit clones this repository and installs it by itself.

    python benchmarks/hook.py [--rev HEAD] [--keep FOLDER]

Not among the tests, because an environment with torch is installed from the package index, which takes minutes.
What is committed at ``--rev`` is what runs.  Exits with 1 if the hook lets a wrong number pass, or stops a right one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONFIG = "repos:\n  - repo: {root}\n    rev: {rev}\n    hooks:\n      - id: bitext-check\n"
PAIRS = '[[pairs]]\nsource = "docs/zh/**/*.md"\ntarget = "docs/en/{1}.md"\n'
SOURCE = "# 冷库\n\n今年我们新建了两座冷库，共投资3亿元。\n\n苹果在零度可以存放六个月。\n"
TARGET = (
    "# Cold stores\n\nThis year we built two cold stores, at a cost of {n} million yuan.\n\n"
    "Apples keep for six months at zero degrees.\n"
)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rev", default="HEAD")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work here and leave it")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (args.keep or Path(temporary)).resolve()
        rev = git("rev-parse", args.rev, folder=ROOT)
        prepare(folder, rev)
        outcomes = [commit(folder, n) for n in (3, 300)]
    print(f"a number that is wrong: {'let through' if outcomes[0] else 'stopped'}; "
          f"one that is right: {'let through' if outcomes[1] else 'stopped'}")  # fmt: skip
    sys.exit(outcomes != [False, True])


def prepare(folder: Path, rev: str) -> None:
    """Make a repository with a pair of files, and install the hook in it."""
    for name, text in {
        ".pre-commit-config.yaml": CONFIG.format(root=ROOT.as_posix(), rev=rev),
        "bitext.toml": PAIRS,
        "docs/zh/store.md": SOURCE,
        "docs/en/store.md": TARGET.format(n=300),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    git("init", "-q", folder=folder)
    git("add", "-A", folder=folder)
    git("commit", "-qm", "first", folder=folder)
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pre_commit", "install", "--install-hooks"],
        cwd=folder,
        env=environment(folder),
        check=True,
    )
    print(f"installed in {time.perf_counter() - start:.0f} s")


def commit(folder: Path, n: int) -> bool:
    """Commit a translation with the number `n`; return whether the hook let it through."""
    (folder / "docs/en/store.md").write_text(f"{TARGET.format(n=n)}\nEdited.\n", encoding="utf-8")
    start = time.perf_counter()
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qam", "edit"]
    done = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True)
    print(f"{done.stdout}{done.stderr}commit took {time.perf_counter() - start:.1f} s\n")
    return done.returncode == 0


def environment(folder: Path) -> dict[str, str]:
    """Keep what pre-commit installs inside `folder`."""
    return os.environ | {"PRE_COMMIT_HOME": str(folder / ".git" / "pre-commit")}


def git(*args: str, folder: Path) -> str:
    """Run git and return what it prints."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *args]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
