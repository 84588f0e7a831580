"""`bitext.toml` or `[tool.bitext]` of a `pyproject.toml` -> a checked `Config`, and the pairs of files it names.

In: a TOML file found upwards from where one works (the nearest wins).  Out: a frozen `Config` whose every value
was checked, or one `ConfigError` that says where in the file the value stands and which key was probably meant.
`Config.file_pairs` expands the patterns (``docs/zh/**/*.md`` to ``docs/en/{1}.md``) into the files that are there
and the counterparts that are missing.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal, cast

from bitext.data import SEVERITIES
from bitext.errors import ConfigError

FILE_NAMES = ("bitext.toml", "pyproject.toml")
"""Names a configuration is found by; in one folder the first wins."""

OFF = "off"
ON = "on"
DEFAULT_CACHE = ".bitext_cache"
DEFAULT_BASELINE = "bitext-baseline.json"


@dataclass(frozen=True, slots=True)
class Pairing:
    """Sources by pattern, and where their translations are.

    Parameters
    ----------
    source : str
        Relative to the folder of the configuration, with ``/``.  ``*`` and ``?`` match inside a name, ``**`` any
        folders; none matches a name that begins with a dot.  ``**/*`` counts as one wildcard.
    targets : tuple of str
        The same path with ``{1}``, ``{2}`` … for what the wildcards matched.
    source_lang, target_lang : str, optional
        Where they differ from those of the `Config`.
    """

    source: str
    targets: tuple[str, ...]
    source_lang: str | None = None
    target_lang: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class FilePair:
    """A source and one translation of it; both are there."""

    source: Path
    target: Path
    source_lang: str
    target_lang: str


@dataclass(frozen=True, slots=True, order=True)
class Missing:
    """A file whose counterpart is not there; `side` says which of the two `counterpart` is."""

    path: Path
    counterpart: Path
    side: Literal["source", "target"]


@dataclass(frozen=True, slots=True)
class Config:
    """What `bitext check` does in a project.

    Attributes
    ----------
    root : Path
        Folder that all paths start from.
    path : Path or None
        The file this was read from.
    pairs : tuple of Pairing
    exclude : tuple of str
        Patterns of files and folders to leave out.
    termbases : tuple of Path
        The first wins where they disagree.
    embedder, order, source_lang, target_lang, encoding, fluency
        See `bitext.align`, `bitext.read` and `bitext.score`.
    checks : mapping of str to str
        Check slug to ``"on"``, ``"off"`` or a severity.
    min_confidence : float
        Findings less sure than this are left out; in [0, 1].
    fail_on : str
        A severity, or ``"never"``.
    baseline : Path or None
    cache : Path or None
        Folder of results; ``None`` keeps none.
    require_reason : bool
        Whether an inline suppression must say why.
    """

    root: Path = Path(".")
    path: Path | None = None
    pairs: tuple[Pairing, ...] = ()
    exclude: tuple[str, ...] = ()
    termbases: tuple[Path, ...] = ()
    embedder: str = "zh-en"
    order: Literal["monotone", "free", "auto"] = "auto"
    source_lang: str = "zh"
    target_lang: str = "en"
    encoding: str | None = None
    fluency: bool = False
    checks: Mapping[str, str] = field(default_factory=dict)
    min_confidence: float = 0.0
    fail_on: str = "major"
    baseline: Path | None = None
    cache: Path | None = None
    require_reason: bool = False

    @classmethod
    def read(cls, path: str | Path, *, checks: Sequence[str] = ()) -> Config:
        """Read a configuration.

        Parameters
        ----------
        path : str or Path
            A file with a table ``[tool.bitext]``, or one that holds nothing but its keys.
        checks : sequence of str
            The slugs that may stand in ``[checks]``; by default any.

        Raises
        ------
        ConfigError
            If the file is missing or no TOML, a key is unknown, or a value is not what the key takes.
        """
        path = Path(path)
        text, data = _toml(path)
        inside = data.get("tool", {})
        nested = isinstance(inside, dict) and "bitext" in inside
        if not nested and path.name == "pyproject.toml":
            raise ConfigError(
                f"{path} has no table [tool.bitext]; expected one. Add it, or name another file."
            )
        table = inside["bitext"] if nested else data
        where = _Where(path, text, ("tool", "bitext") if nested else ())
        return _config(_table(where, table), where, checks)

    @classmethod
    def find(cls, start: str | Path = ".", *, checks: Sequence[str] = ()) -> Config | None:
        """Read the nearest configuration of `start` and the folders above it; ``None`` if there is none."""
        for folder in (here := Path(start).resolve(), *here.parents):
            for name in FILE_NAMES:
                path = folder / name
                if path.is_file() and (name == "bitext.toml" or _has_table(path)):
                    return cls.read(path, checks=checks)
        return None

    def known_findings(self) -> Path | None:
        """Return the baseline that is configured, or else the one that lies beside the configuration."""
        beside = self.root / DEFAULT_BASELINE
        return self.baseline or (beside if self.path and beside.is_file() else None)

    def file_pairs(self) -> tuple[list[FilePair], list[Missing]]:
        """Return the pairs of files that are there, and the files that lack a counterpart; both in path order."""
        found: set[FilePair] = set()
        missing: set[Missing] = set()
        left_out = [_Pattern.of_source(pattern) for pattern in self.exclude]

        def wanted(path: str) -> bool:
            return not any(pattern.holds(path) for pattern in left_out)

        for pairing in self.pairs:
            langs = pairing.source_lang or self.source_lang, pairing.target_lang or self.target_lang
            for source, target, absent in _expand(self.root, pairing):
                if not wanted(source) or not wanted(target):
                    continue
                paths = self.root / source, self.root / target
                if absent is None:
                    found.add(FilePair(*paths, *langs))
                elif absent == "target":
                    missing.add(Missing(*paths, absent))
                else:
                    missing.add(Missing(*paths[::-1], absent))
        return sorted(found), sorted(missing)


def shown(path: Path) -> str:
    """Return `path` as people read it: from the working directory where it is below that."""
    try:
        below = os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)
    return str(path) if below.startswith("..") else below


# ---- patterns ----------------------------------------------------------------------------------------------

_WILD = re.compile(r"\*\*/(?:\*\*/)*(?=[^*?/])|(?:\*\*/)*(?:\*\*|[*?]+)")
_HOLE = re.compile(r"\{(\d+)\}")
_NAME = r"(?!\.)[^/]+"


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A path with holes: what the wildcards of a source match, in their order or in that of a target."""

    wild: tuple[str, ...]
    literals: tuple[str, ...]
    numbers: tuple[int, ...]
    regex: re.Pattern[str] = field(init=False)

    @classmethod
    def of_source(cls, text: str) -> _Pattern:
        wild = tuple(_WILD.findall(text))
        first, *others = _WILD.split(text)
        # the slash after folders goes with them where there are none
        literals = (
            "/" + literal if w.endswith("/") else literal for w, literal in zip(wild, others, strict=True)
        )
        return cls(wild, (first, *literals), tuple(range(1, len(wild) + 1)))

    @classmethod
    def of_target(cls, text: str, source: _Pattern) -> _Pattern:
        pieces = _HOLE.split(text)
        return cls(source.wild, tuple(pieces[::2]), tuple(map(int, pieces[1::2])))

    def __post_init__(self) -> None:
        pieces, seen = [re.escape(self.literals[0])], set[int]()
        for number, before, literal in self._holes():
            wild = self.wild[number - 1]
            inside = _wild_regex(wild, at_start=not before or before.endswith("/"))
            group = f"(?P=g{number})" if number in seen else f"(?P<g{number}>{inside})"
            seen.add(number)
            if wild.endswith("/") and literal.startswith("/"):
                group, literal = f"(?:{group}/)?", literal[1:]
            pieces += [group, re.escape(literal)]
        object.__setattr__(self, "regex", re.compile("".join(pieces)))

    def _holes(self) -> Iterator[tuple[int, str, str]]:
        """Yield the number of each hole and the literals before and after it."""
        return zip(self.numbers, self.literals, self.literals[1:], strict=False)

    def match(self, path: str) -> list[str] | None:
        """Return what the wildcards match in `path`, by number."""
        match = self.regex.fullmatch(path)
        return [match[f"g{i}"] or "" for i in range(1, len(self.wild) + 1)] if match else None

    def fill(self, values: Sequence[str]) -> str:
        """Return the path with `values` in its holes."""
        path = self.literals[0]
        for number, _, literal in self._holes():
            path += values[number - 1] + literal
        return re.sub("/{2,}", "/", path).removeprefix("/")

    def holds(self, path: str) -> bool:
        """Whether `path`, or a folder above it, matches."""
        ends = [i for i, c in enumerate(path) if c == "/"] + [len(path)]
        return any(self.regex.fullmatch(path[:end]) for end in ends)

    def files(self, root: Path) -> Iterator[tuple[str, list[str]]]:
        """Yield the files below `root` that match, and what the wildcards matched."""
        first = self.literals[0]
        if not self.wild:
            if (root / first).is_file():
                yield first, []
            return
        for folder, folders, names in os.walk(root / first.rpartition("/")[0]):
            folders[:] = [name for name in folders if not name.startswith(".")]
            base = PurePosixPath(Path(folder).relative_to(root).as_posix())
            for name in names:
                path = str(base / name)
                values = self.match(path)
                if values is not None:
                    yield path, values


def _wild_regex(wild: str, *, at_start: bool) -> str:
    if wild.endswith("/"):
        return rf"(?:{_NAME}/)*{_NAME}"
    folders = rf"(?:{_NAME}/)*" if wild.startswith("**") else ""
    name = wild.rpartition("/")[2].replace("**", "*")
    visible = r"(?!\.)" if at_start or folders else ""
    return folders + visible + "".join("[^/]*" if c == "*" else "[^/]" for c in name)


def _expand(root: Path, pairing: Pairing) -> Iterator[tuple[str, str, Literal["source", "target"] | None]]:
    """Yield (source, target, which of them is not there) for each file that matches either pattern."""
    source = _Pattern.of_source(pairing.source)
    targets = [_Pattern.of_target(target, source) for target in pairing.targets]

    def is_translation(path: str) -> bool:
        # a source pattern may also take in the folder of the translations
        return any((v := t.match(path)) is not None and (root / source.fill(v)).is_file() for t in targets)

    for path, values in source.files(root):
        if is_translation(path):
            continue
        for target in targets:
            counterpart = target.fill(values)
            yield path, counterpart, None if (root / counterpart).is_file() else "target"
    for target in targets:
        for path, values in target.files(root):
            if not (root / source.fill(values)).is_file():
                yield source.fill(values), path, "source"


# ---- values ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Where:
    """A place in a TOML file: the keys that lead to it."""

    path: Path
    text: str
    keys: tuple[str | int, ...]

    def at(self, *keys: str | int) -> _Where:
        return replace(self, keys=(*self.keys, *keys))

    def error(self, fact: str, expected: str, *, remedy: str = "") -> ConfigError:
        line = _line_of(self.text, self.keys)
        place = f"{shown(self.path)}:{line}" if line else shown(self.path)
        return ConfigError(f"{place}: {self} {fact}; expected {expected}.{' ' + remedy if remedy else ''}")

    def __str__(self) -> str:
        text = ""
        for key in self.keys:
            text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
        return text or "the file"


_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w\"'.-]+)\s*=")


def _line_of(text: str, keys: tuple[str | int, ...]) -> int | None:
    """Find the line at which `keys` are given, or the nearest table around them; None if neither is plain to see."""
    best: tuple[int, int] | None = None
    table: tuple[str | int, ...] = ()
    counts: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _HEADER.match(line):
            names = tuple(part.strip().strip("\"'") for part in header[2].split("."))
            if header[1] == "[[":
                counts[header[2]] = counts.get(header[2], -1) + 1
                table = (*names, counts[header[2]])
            else:
                table = names
            here = table
        elif key := _KEY.match(line):
            here = (*table, *(part.strip("\"'") for part in key[1].split(".")))
        else:
            continue
        if here == keys[: len(here)] and (best is None or len(here) > best[0]):
            best = len(here), number
    return best[1] if best else None


def _toml(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except OSError as error:
        raise ConfigError(
            f"{shown(path)}: {error.strerror or error}; expected a configuration file. Check --config."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{shown(path)}: byte {error.start} is not UTF-8; expected TOML in UTF-8. Save it as UTF-8."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{shown(path)}: {error}; expected TOML. Correct that line.") from error


def _has_table(path: Path) -> bool:
    """Whether a pyproject.toml is also ours; one that does not mention us may be as broken as it likes."""
    try:
        if b"bitext" not in path.read_bytes():
            return False
    except OSError:
        return False
    tool = _toml(path)[1].get("tool", {})
    return isinstance(tool, dict) and "bitext" in tool


def _config(table: dict[str, Any], where: _Where, checks: Sequence[str]) -> Config:
    root = where.path.parent
    below = partial(_path, root=root)
    cache = partial(below, expected=f"a folder ({DEFAULT_CACHE!r} unless told), or false for none")
    readers: dict[str, Callable[[_Where, Any], Any]] = {
        "pairs": _pairs,
        "exclude": lambda w, v: _each(w, v, _pattern),
        "termbases": lambda w, v: _each(w, v, lambda at, item: _existing(at, item, root)),
        "embedder": lambda w, v: _embedder(w, v, root),
        "order": partial(_choice, choices=("monotone", "free", "auto")),
        "source-lang": partial(_choice, choices=("zh", "en")),
        "target-lang": partial(_choice, choices=("zh", "en")),
        "encoding": _string,
        "fluency": _bool,
        "checks": partial(_checks, slugs=checks),
        "min-confidence": _share,
        "fail-on": partial(_choice, choices=(*SEVERITIES, "never")),
        "baseline": below,
        "cache": lambda w, v: None if v is False else cache(w, v),
        "require-reason": _bool,
    }
    values = _read_keys(where, table, readers)
    values.setdefault("cache", root / DEFAULT_CACHE)
    return Config(root=root, path=where.path, **values)


def _read_keys(
    where: _Where, table: dict[str, Any], readers: Mapping[str, Callable[[_Where, Any], Any]]
) -> dict[str, Any]:
    for key in table:
        if key not in readers:
            inside = any(isinstance(k, int) for k in where.keys) and key in _KEYS_OF_THE_FILE
            remedy = "Keys of the whole file stand above its first [[pairs]]." if inside else ""
            raise where.at(key).error("is no key of bitext", *_nearest(key, readers), remedy=remedy)
    return {key.replace("-", "_"): readers[key](where.at(key), value) for key, value in table.items()}


_KEYS_OF_THE_FILE = frozenset(field.name.replace("_", "-") for field in fields(Config))


def _nearest(word: str, choices: Mapping[str, object] | Sequence[str]) -> tuple[str]:
    close = get_close_matches(word.lower().replace("_", "-"), list(choices), n=1, cutoff=0.6)
    return (f"{close[0]!r}" if close else "one of " + ", ".join(choices),)


def _table(where: _Where, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise where.error(f"is {_shown(value)}", "a table")
    return value


def _shown(value: Any) -> str:
    kinds = {bool: "a truth value", int: "a number", float: "a number", list: "an array", dict: "a table"}
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) < 50 and not isinstance(value, dict) else kinds.get(type(value), "a value")


def _string(where: _Where, value: Any, *, expected: str = "a string") -> str:
    if not isinstance(value, str) or not value.strip():
        raise where.error(f"is {_shown(value)}", expected)
    return value


def _bool(where: _Where, value: Any) -> bool:
    if not isinstance(value, bool):
        raise where.error(f"is {_shown(value)}", "true or false")
    return value


def _share(where: _Where, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise where.error(f"is {_shown(value)}", "a number from 0 to 1")
    return float(value)


def _choice(where: _Where, value: Any, *, choices: Sequence[str]) -> str:
    if value not in choices:
        raise where.error(f"is {_shown(value)}", "one of " + ", ".join(choices))
    return cast(str, value)


def _each(where: _Where, value: Any, read: Callable[[_Where, Any], Any]) -> tuple[Any, ...]:
    """Read an array; one string stands for an array of one."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list):
        raise where.error(f"is {_shown(value)}", "an array of strings")
    return tuple(read(where.at(i), item) for i, item in enumerate(items))


def _path(where: _Where, value: Any, *, root: Path, expected: str = "a string") -> Path:
    return root / _string(where, value, expected=expected)


def _existing(where: _Where, value: Any, root: Path) -> Path:
    path = _path(where, value, root=root)
    if not path.is_file():
        raise where.error(f"is {value!r}, which is not there", f"a file below {root.resolve()}")
    return path


def _embedder(where: _Where, value: Any, root: Path) -> str:
    folder = _path(where, value, root=root)
    return str(folder) if folder.is_dir() else str(value)


def _pattern(where: _Where, value: Any) -> str:
    text = _string(where, value)
    if "\\" in text or text.startswith("/") or ":" in text[:3] or ".." in text.split("/"):
        raise where.error(
            f"is {text!r}", "a path below the folder of the configuration, with / between the folders"
        )
    return text.removeprefix("./").rstrip("/")


def _checks(where: _Where, value: Any, *, slugs: Sequence[str]) -> dict[str, str]:
    chosen = {}
    for slug, setting in _table(where, value).items():
        if slugs and slug not in slugs:
            raise where.at(slug).error("is no check", *_nearest(slug, slugs))
        if isinstance(setting, bool):
            setting = ON if setting else OFF
        chosen[slug] = _choice(where.at(slug), setting, choices=(ON, OFF, *SEVERITIES))
    return chosen


def _pairs(where: _Where, value: Any) -> tuple[Pairing, ...]:
    if not isinstance(value, list):
        raise where.error(f"is {_shown(value)}", "an array of tables, [[pairs]]")
    return tuple(_pairing(where.at(i), _table(where.at(i), item)) for i, item in enumerate(value))


def _pairing(where: _Where, table: dict[str, Any]) -> Pairing:
    values = _read_keys(
        where,
        table,
        {
            "source": _pattern,
            "target": lambda w, v: _each(w, v, _pattern),
            "source-lang": partial(_choice, choices=("zh", "en")),
            "target-lang": partial(_choice, choices=("zh", "en")),
        },
    )
    for key in ("source", "target"):
        if not values.get(key):
            raise where.error(f"has no {key}", "source and target")
    source, targets = values.pop("source"), values.pop("target")
    if "{" in source:
        raise where.at("source").error(f"is {source!r}", "wildcards * ? **; braces are for the target")
    n = len(_Pattern.of_source(source).wild)
    for target in targets:
        _require_holes(where.at("target"), target, n)
    return Pairing(source, targets, **values)


def _require_holes(where: _Where, target: str, n: int) -> None:
    if _WILD.search(target):
        raise where.error(
            f"is {target!r}", "no wildcard, but {1} for what the first wildcard of source matched"
        )
    numbers = {int(number) for number in _HOLE.findall(target)}
    wanted = set(range(1, n + 1))
    if numbers != wanted or "{" in _HOLE.sub("", target):
        holes = " and ".join(f"{{{i}}}" for i in sorted(wanted)) or "no {…}"
        raise where.error(
            f"is {target!r}", f"{holes}: source has {n} wildcard{'s' * (n != 1)} (**/* counts as one)"
        )
