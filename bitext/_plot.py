"""A report -> a matplotlib figure: where a translation drifts, how faithful its beads are, how they lie.

In: a `Report`.  Out: a `matplotlib.figure.Figure` of three axes, made without pyplot, so that nothing is shown or
kept.  Chinese words are drawn in a font of this machine that has them; where there is none, English and plain
numbers stand in for them, never empty boxes.
"""

from __future__ import annotations

import io
import re
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

from bitext.data import SEVERITIES, Severity
from bitext.errors import MissingExtraError
from bitext.report import Report, _labels, _name, _number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OMITTED, _ADDED, _INK, _SOFT, _ACCENT = "#b3261e", "#1f6597", "#20242a", "#5d646e", "#0d6470"
_COLORS: dict[Severity, str] = {
    "critical": "#b3261e",
    "major": "#d97706",
    "minor": "#2f7ebc",
    "neutral": "#8a8f98",
}
_CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_CHINESE_FONTS = (  # in names of fonts and font files, without spaces; sans serif before the others
    *("sanscjk", "hansans", "pingfang", "yahei", "notosanssc", "notosanstc", "notosanshk", "heiti", "simhei"),
    *(
        "wenquanyi",
        "wqy",
        "hiraginosans",
        "jhenghei",
        "arialunicode",
        "droidsansfallback",
        "serifcjk",
        "hanserif",
    ),
    *("notoserifsc", "notoseriftc", "songti", "simsun", "fangsong", "kaiti", "mingliu", "lxgw", "unifont"),
)
_WORDS = (
    "source",
    "translation",
    "profile",
    "fidelity",
    "path",
    "bead",
    "beads",
    "omitted",
    "added",
    *SEVERITIES,
)


def figure(report: Report, *, lang: Literal["en", "zh"]) -> Figure:
    """Draw `Report.plot`."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "plot", "Report.plot()") from error
    a = report.alignment
    words = {key: _labels()[key][lang] for key in _WORDS}
    names = [_name(a.source, words["source"]), _name(a.target, words["translation"])]
    font = _chinese_font({c for text in (*words.values(), *names) for c in _CHINESE.findall(text)})
    if font is None:
        words = {key: _labels()[key]["en"] for key in _WORDS}
        names = [
            word if _CHINESE.search(name) else name
            for word, name in zip((words["source"], words["translation"]), names, strict=True)
        ]
    families = [*matplotlib.rcParams["font.family"], *([font] if font else [])]
    with matplotlib.rc_context({"font.family": families, "axes.unicode_minus": False}):
        drawn = Figure(figsize=(10, 6.5), layout="constrained")
        grid = drawn.add_gridspec(2, 2, height_ratios=(2, 3))
        _draw_profile(drawn.add_subplot(grid[0, :]), report, words)
        _draw_fidelity(drawn.add_subplot(grid[1, 0]), report, words)
        _draw_path(drawn.add_subplot(grid[1, 1]), report, words, names)
        drawn.suptitle(f"{names[0]} → {names[1]}", fontsize="medium", x=0.01, ha="left")
    for axes in drawn.axes:
        axes.spines[["top", "right"]].set_visible(False)
    # a figure that pyplot did not make is only words in a notebook unless it says how it looks
    setattr(drawn, "_repr_png_", partial(_png, drawn))  # noqa: B010 - the class has no such attribute
    return drawn


def _png(drawn: Figure) -> bytes:
    out = io.BytesIO()
    drawn.savefig(out, format="png", dpi=96)
    return out.getvalue()


def _draw_profile(axes: Axes, report: Report, words: dict[str, str]) -> None:
    values = [_number(value) or 0.0 for value in report.scores.drift.profile]
    beads = range(len(values))
    axes.bar(beads, [max(0.0, value) for value in values], width=0.8, color=_SOFT)
    for n, bead in enumerate(report.alignment):
        if bead.is_null:
            axes.axvspan(n - 0.5, n + 0.5, color=_OMITTED if bead.is_omission else _ADDED, alpha=0.25, lw=0)
    for severity in SEVERITIES:
        at = sorted({issue.bead for issue in report.issues if issue.severity == severity})
        if at:
            height = axes.get_xaxis_transform()
            marks: dict[str, Any] = {"marker": "|", "s": 60, "linewidths": 2, "clip_on": False}
            axes.scatter(
                at,
                [-0.06] * len(at),
                transform=height,
                color=_COLORS[severity],
                label=words[severity],
                **marks,
            )
    axes.set(
        title=words["profile"], xlabel=words["bead"], ylabel="MAD", xlim=(-0.5, max(0.5, len(values) - 0.5))
    )
    axes.set_ylim(0, max(3.0, *values) * 1.05 if values else 3.0)
    axes.tick_params(axis="x", pad=9)
    _add_key(axes, words, report)


def _add_key(axes: Axes, words: dict[str, str], report: Report) -> None:
    from matplotlib.patches import Patch

    handles, labels = axes.get_legend_handles_labels()
    for is_there, color, name in (
        (any(b.is_omission for b in report.alignment), _OMITTED, "omitted"),
        (any(b.is_addition for b in report.alignment), _ADDED, "added"),
    ):
        if is_there:
            handles, labels = [*handles, Patch(color=color, alpha=0.25)], [*labels, words[name]]
    if handles:
        axes.legend(
            handles, labels, ncols=len(handles), fontsize="small", frameon=False, loc="lower right",
            bbox_to_anchor=(1.0, 0.98), handletextpad=0.4, columnspacing=1.0,
        )  # fmt: skip


def _draw_fidelity(axes: Axes, report: Report, words: dict[str, str]) -> None:
    values = [v for value in report.scores.beads if (v := _number(value)) is not None]
    axes.hist(values, bins=20, range=(0.0, 1.0), color=_ACCENT, rwidth=0.9)
    if (overall := _number(report.scores.fidelity)) is not None:
        axes.axvline(overall, color=_INK, linestyle="--", linewidth=1)
        axes.annotate(
            f"{overall:.2f}", (overall, 1.0), xycoords=axes.get_xaxis_transform(), ha="right", va="top",
            xytext=(-3, -2), textcoords="offset points", fontsize="small",
        )  # fmt: skip
    axes.set(title=words["fidelity"], ylabel=words["beads"], xlim=(0, 1))


def _draw_path(axes: Axes, report: Report, words: dict[str, str], names: list[str]) -> None:
    from matplotlib.collections import LineCollection

    a = report.alignment
    for beads, color, width in (
        ([b for b in a if not b.is_null], _INK, 2.0),
        ([b for b in a if b.is_omission], _OMITTED, 3.0),
        ([b for b in a if b.is_addition], _ADDED, 3.0),
    ):
        lines = [((b.source.start, b.target.start), (b.source.stop, b.target.stop)) for b in beads]
        axes.add_collection(LineCollection(lines, colors=color, linewidths=width, capstyle="butt"))
    axes.set(title=words["path"], xlabel=names[0], ylabel=names[1])
    axes.set(xlim=(0, max(1, len(a.source))), ylim=(max(1, len(a.target)), 0))


def _chinese_font(characters: set[str]) -> str | None:
    """Return the name of a font that has all of `characters`, made known to matplotlib."""
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    manager = font_manager.fontManager
    found = [(font.name, font.fname) for font in manager.ttflist]
    # what was installed after matplotlib made its list is known by its file
    found += [(PurePath(path).stem, path) for path in sorted(font_manager.findSystemFonts())]
    ranked = sorted(((_rank(name), n) for n, (name, _) in enumerate(found)))
    for rank, n in ranked:
        if rank == len(_CHINESE_FONTS):
            break
        try:
            face = FT2Font(found[n][1])
        except (RuntimeError, OSError):
            continue
        if all(face.get_char_index(ord(character)) for character in characters):
            if face.family_name not in {font.name for font in manager.ttflist}:
                manager.addfont(found[n][1])
            return str(face.family_name)
    return None


def _rank(name: str) -> int:
    name = re.sub("[ _-]", "", name).lower()
    return next((n for n, part in enumerate(_CHINESE_FONTS) if part in name), len(_CHINESE_FONTS))
