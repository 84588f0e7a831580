"""How long `bitext check` takes in a repository of paired Markdown files, each run a fresh process.

    python benchmarks/workflow.py [--pairs 200] [--repeat 3] [--keep FOLDER] [--warm] [--write FILE]

The repository is generated: every file has its own paragraphs, made from patterns of sentences written for this
benchmark, and one translation in ten has a wrong number.  It is checked once with no cache, and then as an editor
would: with nothing changed, with one file changed, and by a commit hook that names the changed file.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CITIES = [("上海", "Shanghai"), ("成都", "Chengdu"), ("西安", "Xi'an"), ("柏林", "Berlin"), ("里昂", "Lyon"),
          ("大阪", "Osaka"), ("芝加哥", "Chicago"), ("吉隆坡", "Kuala Lumpur")]  # fmt: skip
THINGS = [("水泵", "pumps"), ("轴承", "bearings"), ("阀门", "valves"), ("电缆", "cables"), ("滤芯", "filters"),
          ("压缩机", "compressors"), ("传感器", "sensors"), ("齿轮箱", "gearboxes")]  # fmt: skip
PEOPLE = [("车间主任", "the workshop manager"), ("采购部", "the purchasing department"), ("质检员", "the inspector"),
          ("仓库", "the warehouse"), ("客户", "the customer"), ("供应商", "the supplier")]  # fmt: skip
SENTENCES = [
    ("{city0}的工厂今年生产了{n}万台{thing0}。", "The plant in {city1} produced {n0000} {thing1} this year."),
    ("{thing0}在装箱之前要逐个检查。", "The {thing1} are inspected one by one before they are packed."),
    ("如果包装破损，请立即通知{who0}。", "If the packaging is damaged, notify {who1} at once."),
    ("{who0}要求在{m}月底之前交货。", "{Who1} asked for delivery by the end of {month}."),
    ("运到{city0}的路程约{k}公里。", "The journey to {city1} is about {k} kilometers."),
    ("不合格的{thing0}占百分之{p}。", "Defective {thing1} account for {p}%."),
    ("更换{thing0}之前必须切断电源。", "The power must be cut off before the {thing1} are replaced."),
    ("{who0}每周一查看一次库存记录。", "Every Monday {who1} looks through the stock records."),
    ("新的{thing0}比旧的更轻，也更耐用。", "The new {thing1} are lighter and last longer than the old ones."),
    ("这份合同由{city0}的法院管辖。", "This contract falls under the jurisdiction of the courts in {city1}."),
    ("仓储费用每年为{y}亿元。", "Storage costs {y00} million yuan a year."),
    ("{city0}下雨的时候，码头停止装卸。", "When it rains in {city1}, loading at the docks stops."),
    ("请把说明书放在{thing0}旁边，方便{who0}随时查阅。",
     "Keep the manual next to the {thing1} so that {who1} can consult it at any time."),
    ("上个月有{q}名新员工加入{city0}的团队。", "Last month {q} new employees joined the team in {city1}."),
]  # fmt: skip
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December"]  # fmt: skip
CONFIG = '[[pairs]]\nsource = "docs/zh/**/*.md"\ntarget = "docs/en/{1}.md"\n'


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="generate here and leave it")
    parser.add_argument("--warm", action="store_true", help="take FOLDER with its cache, skip the first run")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page of figures")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        size = generate(folder, args.pairs)
        page = measure(folder, args.pairs, args.repeat, size, warm=args.warm)
    print(page)
    if args.write:
        args.write.write_text(page, encoding="utf-8")


def generate(folder: Path, n_pairs: int) -> tuple[int, int]:
    """Write the repository; return the mean size of its files in characters, source and target."""
    pick = random.Random(8)
    totals = [0, 0]
    (folder / "docs").mkdir(parents=True, exist_ok=True)
    (folder / "bitext.toml").write_text(CONFIG, encoding="utf-8")
    for number in range(n_pairs):
        zh, en = [f"# 手册{number}"], [f"# Manual {number}"]
        for _ in range(12):
            both = [sentence(pick) for _ in range(pick.randint(1, 3))]
            zh.append("".join(source for source, _ in both))
            en.append(" ".join(target for _, target in both))
        if number % 10 == 0:
            zh.append("保修期为18个月。")
            en.append("The warranty is 8 months.")
        for side, (lang, text) in enumerate((("zh", zh), ("en", en))):
            path = folder / "docs" / lang / f"part{number // 20}" / f"page{number:03}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n\n".join(text) + "\n", encoding="utf-8")
            totals[side] += len("\n\n".join(text))
    return totals[0] // n_pairs, totals[1] // n_pairs


def sentence(pick: random.Random) -> tuple[str, str]:
    """Return a sentence and its translation."""
    source, target = pick.choice(SENTENCES)
    city, thing, who = pick.choice(CITIES), pick.choice(THINGS), pick.choice(PEOPLE)
    n, m, y = pick.randint(2, 90), pick.randint(1, 12), pick.randint(2, 9)
    values = {
        "n": n, "n0000": f"{n}0,000", "k": pick.randint(20, 900), "p": pick.randint(2, 9), "q": pick.randint(12, 80),
        "m": m, "month": MONTHS[m - 1], "y": y, "y00": y * 100,
        "city0": city[0], "city1": city[1], "thing0": thing[0], "thing1": thing[1],
        "who0": who[0], "who1": who[1], "Who1": who[1][0].upper() + who[1][1:],
    }  # fmt: skip
    return source.format(**values), target.format(**values)


def measure(folder: Path, n_pairs: int, repeat: int, size: tuple[int, int], *, warm: bool) -> str:
    """Time the runs and return the page."""
    changed = folder / "docs" / "en" / "part0" / "page001.md"
    if not warm:
        shutil.rmtree(folder / ".bitext_cache", ignore_errors=True)
    first = timed(folder)  # with --warm it only makes sure that the cache is complete
    unchanged = [timed(folder) for _ in range(repeat)]
    rows = [("all pairs, nothing changed", unchanged)]
    if not warm:
        rows.insert(0, ("all pairs, no cache", [first]))
    whole, named, hook, other = [], [], [], []
    for k in range(repeat):
        edit(changed, f"Edit {k}.")
        whole.append(timed(folder))
        edit(changed, f"Another edit {k}.")
        named.append(timed(folder, "docs/en/part0/page001.md"))
        edit(changed, f"A third edit {k}.")
        hook.append(timed(folder, "--changed", "README.md", "docs/en/part0/page001.md"))
        other.append(timed(folder, "--changed", "README.md"))
    rows += [
        ("all pairs, one file changed", whole),
        ("the changed file named", named),
        ("`--changed`, as pre-commit calls it", hook),
        ("`--changed`, a file of no pair", other),
    ]
    lines = [
        "# `bitext check` in a repository: seconds",
        "",
        f"{n_pairs} pairs of Markdown files of {size[0]:,} Chinese and {size[1]:,} English characters on average, "
        f"generated by `benchmarks/workflow.py`; each run is a new process, the encoder loaded where it is needed. "
        f"Median and range of {repeat} runs.",
        "",
        "| run | seconds | of them CPU | range |",
        "|---|---|---|---|",
    ]
    for name, times in rows:
        wall = [w for w, _ in times]
        cpu = statistics.median(c for _, c in times)
        span = f"{min(wall):.1f}–{max(wall):.1f}" if len(wall) > 1 else "one run"
        lines.append(f"| {name} | {statistics.median(wall):.1f} | {cpu:.1f} | {span} |")
    lines += ["", f"{date.today()}, {machine()}.", ""]
    return "\n".join(lines)


def edit(path: Path, sentence: str) -> None:
    """Add a sentence at the end of a file."""
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n") + f" {sentence}\n", encoding="utf-8")


def timed(folder: Path, *args: str) -> tuple[float, float]:
    """Run `bitext check` and return its wall and CPU time."""
    # an installed package has its bytecode; a checkout that may not write any would compile itself every time
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "bitext", "check", *args],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    wall, after = time.perf_counter() - start, os.times()
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu


def machine() -> str:
    """Say where the figures were taken."""
    load = f"load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    names = [
        line.split(":")[1].strip() for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")
    ]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{names[0] if names else platform.processor()}, {cores} core(s), Python {platform.python_version()}, {load}"


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


if __name__ == "__main__":
    main()
