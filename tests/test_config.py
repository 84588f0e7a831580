"""A configuration is found, read and checked: every mistake is named with its place, and pairs expand as written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext.config import Config, FilePair, Missing, Pairing, _Pattern
from bitext.errors import ConfigError
from bitext.report import issue_checks

CHECKS = ("number-mismatch", "omission", "unused-suppression")


def written(folder: Path, text: str, name: str = "bitext.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x", encoding="utf-8")


def test_all_keys_are_read(tmp_path: Path) -> None:
    """What the documentation shows must be what the reader takes."""
    touch(tmp_path, "house.tsv", "old.tsv")
    path = written(
        tmp_path,
        """
        termbases = ["house.tsv", "old.tsv"]
        embedder = "zh-en"
        order = "monotone"
        source-lang = "en"
        target-lang = "zh"
        encoding = "gb18030"
        min-confidence = 0.5
        fail-on = "never"
        baseline = "known.json"
        cache = "build/cache"
        require-reason = true
        exclude = "drafts"

        [[pairs]]
        source = "docs/zh/**/*.md"
        target = ["docs/en/{1}.md", "docs/en-GB/{1}.md"]
        source-lang = "zh"

        [checks]
        omission = "off"
        number-mismatch = "minor"
        unused-suppression = false
        """,
    )
    config = Config.read(path, checks=CHECKS)
    assert config == Config(
        root=tmp_path,
        path=path,
        pairs=(Pairing("docs/zh/**/*.md", ("docs/en/{1}.md", "docs/en-GB/{1}.md"), source_lang="zh"),),
        exclude=("drafts",),
        termbases=(tmp_path / "house.tsv", tmp_path / "old.tsv"),
        order="monotone",
        source_lang="en",
        target_lang="zh",
        encoding="gb18030",
        checks={"omission": "off", "number-mismatch": "minor", "unused-suppression": "off"},
        min_confidence=0.5,
        fail_on="never",
        baseline=tmp_path / "known.json",
        cache=tmp_path / "build/cache",
        require_reason=True,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('fail_on = "major"', ("bitext.toml:1: fail_on", "'fail-on'")),
        ('failon = "major"', ("bitext.toml:1: failon", "'fail-on'")),
        ("frobnicate = 1", ("frobnicate is no key", "one of pairs, exclude")),
        ('\nfail-on = "fatal"', ("bitext.toml:2: fail-on is 'fatal'", "one of neutral, minor, major")),
        ("min-confidence = 2", ("min-confidence is 2", "from 0 to 1")),
        ("min-confidence = true", ("min-confidence is true", "from 0 to 1")),
        ("min-confidence = nan", ("min-confidence is nan", "from 0 to 1")),
        ("require-reason = 1", ("require-reason is 1", "true or false")),
        ("cache = true", ("cache is true", "a folder ('.bitext_cache' unless told), or false for none")),
        ('termbases = ["gone.tsv"]', ("termbases[0] is 'gone.tsv', which is not there",)),
        ("termbases = 3", ("termbases is 3", "an array of strings")),
        ('order = "random"', ("order is 'random'", "monotone, free, auto")),
        ('source-lang = "fr"', ("source-lang is 'fr'", "zh, en")),
        ('[checks]\nomision = "off"', ("bitext.toml:2: checks.omision is no check", "'omission'")),
        ('[checks]\nomission = "of"', ("bitext.toml:2: checks.omission is 'of'", "on, off, neutral")),
        ('checks = "off"', ("checks is 'off'", "a table")),
        ('pairs = "a"', ("pairs is 'a'", "[[pairs]]")),
        ('pairs = ["a"]', ("pairs[0] is 'a'", "a table")),
        ('[[pairs]]\nsource = "a"', ("bitext.toml:1: pairs[0] has no target",)),
        (
            '[[pairs]]\nsource="a"\ntarget="b"\n[[pairs]]\nsource="c"\ntraget="d"',
            (":6: pairs[1].traget", "'target'"),
        ),
        (
            '[[pairs]]\nsource = "/abs/*.md"\ntarget = "{1}"',
            (":2: pairs[0].source is '/abs/*.md'", "below the folder"),
        ),
        ('[[pairs]]\nsource = "../zh/*.md"\ntarget = "{1}"', ("pairs[0].source is '../zh/*.md'",)),
        ('[[pairs]]\nsource = "zh\\\\*.md"\ntarget = "{1}"', ("with / between",)),
        (
            '[[pairs]]\nsource = "zh/*.md"\ntarget = "en/*.md"',
            (":3: pairs[0].target is 'en/*.md'", "no wildcard"),
        ),
        ('[[pairs]]\nsource = "zh/*.md"\ntarget = "en/{2}.md"', ("expected {1}", "1 wildcard ")),
        ('[[pairs]]\nsource = "*/zh/*.md"\ntarget = "en/{2}.md"', ("expected {1} and {2}", "2 wildcards")),
        ('[[pairs]]\nsource = "zh.md"\ntarget = "en/{1}.md"', ("expected no {", "0 wildcards")),
        ('[[pairs]]\nsource = "{zh,cn}/*.md"\ntarget = "en/{1}.md"', ("braces are for the target",)),
        ("pairs = [", ("bitext.toml:", "expected TOML")),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_was_expected(
    tmp_path: Path, text: str, said: tuple[str, ...]
) -> None:
    """A key that is silently ignored is a check that silently does not run."""
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        Config.read(path, checks=CHECKS)
    for part in said:
        assert part in str(caught.value)


def test_a_file_that_is_not_there_or_not_utf8_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: No such file"):
        Config.read(tmp_path / "gone.toml")
    (tmp_path / "gb.toml").write_bytes("baseline = '基线.json'".encode("gb18030"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        Config.read(tmp_path / "gb.toml")


def test_the_nearest_configuration_wins(tmp_path: Path) -> None:
    """A folder of a large repository may have its own."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert Config.find(inner) is None or Config.find(inner).root not in (inner, *inner.parents[:2])
    written(tmp_path, '[tool.bitext]\nfail-on = "minor"', "pyproject.toml")
    assert Config.find(inner).fail_on == "minor"
    written(inner, "[tool.ruff", "pyproject.toml")
    assert Config.find(inner).fail_on == "minor"  # someone else's broken file is not ours to complain about
    written(tmp_path / "a", "[tool.ruff]\nline-length = 1", "pyproject.toml")
    assert Config.find(inner).fail_on == "minor"  # a pyproject without our table is passed over
    written(tmp_path, 'fail-on = "neutral"')
    assert Config.find(inner).fail_on == "neutral"  # beside a pyproject, bitext.toml wins
    written(inner, 'fail-on = "critical"')
    assert Config.find(inner).fail_on == "critical"
    assert Config.find(inner).root == inner


def test_a_pyproject_without_the_table_is_no_configuration_when_named(tmp_path: Path) -> None:
    path = written(tmp_path, "[project]\nname = 'x'", "pyproject.toml")
    with pytest.raises(ConfigError, match=r"no table \[tool.bitext\]"):
        Config.read(path)


def test_a_mistake_in_pyproject_names_the_whole_path_of_the_key(tmp_path: Path) -> None:
    path = written(tmp_path, '[tool.bitext.checks]\nomission = "of"', "pyproject.toml")
    with pytest.raises(ConfigError, match=r"pyproject\.toml:2: tool\.bitext\.checks\.omission"):
        Config.read(path)


def test_the_configuration_of_the_documentation_is_one(tmp_path: Path) -> None:
    """What people paste must work, and every key must be described."""
    page = (Path(__file__).parent.parent / "docs" / "workflow.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    touch(tmp_path, "terms/house.tsv")
    config = Config.read(written(tmp_path, example), checks=issue_checks())
    assert config.checks == {"number-style": "off", "term-inconsistent": "neutral"}
    with pytest.raises(ConfigError) as caught:
        Config.read(written(tmp_path, "x = 1"))
    keys = re.search(r"one of (.*)\.", str(caught.value))[1].split(", ")
    assert len(keys) > 10
    assert not [
        key
        for key in keys
        if f"`{key}`" not in page and f"`[{key}]`" not in page and f"[[{key}]]" not in page
    ]


# ---- pairs -------------------------------------------------------------------------------------------------


def pairs_of(root: Path, *pairings: Pairing, exclude: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
    found, missing = Config(root=root, pairs=pairings, exclude=exclude).file_pairs()

    def name(path: Path) -> str:
        return path.relative_to(root).as_posix()

    assert all(isinstance(one, FilePair) for one in found)
    assert all(isinstance(one, Missing) for one in missing)
    return (
        [f"{name(p.source)} {name(p.target)}" for p in found],
        [f"{name(m.path)} {m.side} {name(m.counterpart)}" for m in missing],
    )


def test_folders_below_a_double_star_are_kept(tmp_path: Path) -> None:
    touch(
        tmp_path, "docs/zh/a.md", "docs/zh/x/y/b.md", "docs/en/a.md", "docs/en/x/y/b.md", "docs/zh/.draft.md"
    )
    assert pairs_of(tmp_path, Pairing("docs/zh/**/*.md", ("docs/en/{1}.md",))) == (
        ["docs/zh/a.md docs/en/a.md", "docs/zh/x/y/b.md docs/en/x/y/b.md"],
        [],
    )


def test_wildcards_are_numbered_and_may_change_places(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "blog/2024/zh/post.md",
        "en/post-2024.md",
        "zh/top.md",
        "en-top.md",
        "a/zh/top.md",
        "a/en-top.md",
    )
    assert pairs_of(
        tmp_path,
        Pairing("blog/*/zh/*.md", ("en/{2}-{1}.md",)),
        Pairing("**/zh/to?.md", ("{1}/en-to{2}.md",)),
    ) == (["a/zh/top.md a/en-top.md", "blog/2024/zh/post.md en/post-2024.md", "zh/top.md en-top.md"], [])


def test_what_lacks_its_counterpart_is_reported_on_both_sides(tmp_path: Path) -> None:
    """A file that was never translated, and a translation whose source is gone."""
    touch(tmp_path, "a.zh.txt", "a.en.txt", "new.zh.txt", "old.en.txt", "other.txt")
    assert pairs_of(tmp_path, Pairing("*.zh.txt", ("{1}.en.txt",))) == (
        ["a.zh.txt a.en.txt"],
        ["new.zh.txt target new.en.txt", "old.en.txt source old.zh.txt"],
    )


def test_translations_below_the_folder_of_their_sources_are_no_sources(tmp_path: Path) -> None:
    touch(tmp_path, "docs/a.md", "docs/en/a.md")
    assert pairs_of(tmp_path, Pairing("docs/**/*.md", ("docs/en/{1}.md",))) == (
        ["docs/a.md docs/en/a.md"],
        [],
    )


def test_what_is_excluded_on_either_side_is_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "zh/a.md", "zh/drafts/b.md", "zh/c.md", "en/a.md", "en/drafts/b.md")
    pairing = Pairing("zh/**/*.md", ("en/{1}.md",))
    assert pairs_of(tmp_path, pairing, exclude=("**/drafts", "en/c.md")) == (["zh/a.md en/a.md"], [])


def test_several_translations_make_several_pairs(tmp_path: Path) -> None:
    touch(tmp_path, "zh.md", "en-US.md", "en-GB.md")
    assert pairs_of(tmp_path, Pairing("zh.md", ("en-US.md", "en-GB.md")))[0] == [
        "zh.md en-GB.md",
        "zh.md en-US.md",
    ]


_PIECES = st.text("ab.-[](+中", min_size=1, max_size=4).filter(lambda s: not s.startswith("."))


@settings(deadline=None, max_examples=60)
@given(st.lists(_PIECES, min_size=1, max_size=3), _PIECES, _PIECES)
def test_filling_a_pattern_with_what_it_matched_gives_the_path_back(
    folders: list[str], name: str, suffix: str
) -> None:
    """Names with dots, brackets and plus signs are names, not patterns."""
    path = f"{'/'.join(folders)}/{name}.{suffix}"
    for text in (f"**/*.{suffix}", f"{folders[0]}/**", f"**/{name}.{suffix}", f"*/**/*.{suffix}"):
        pattern = _Pattern.of_source(text)
        values = pattern.match(path)
        assert values is not None, text
        assert pattern.fill(values) == path
        holes = "/".join(f"{{{i}}}" for i in range(1, len(values) + 1))
        target = _Pattern.of_target(f"out/{holes}/x", pattern)
        assert pattern.fill(target.match(target.fill(values)) or []) == path


def test_a_key_of_the_file_inside_a_pair_is_told_where_it_belongs(tmp_path):
    """In TOML all that follows [[pairs]] is part of the pair, which nobody expects who adds a line at the end."""
    (tmp_path / "bitext.toml").write_text('[[pairs]]\nsource = "a/*"\ntarget = "b/{1}"\nfail-on = "minor"\n')
    with pytest.raises(ConfigError, match=r"bitext.toml:4: .*above its first \[\[pairs\]\]"):
        Config.find(tmp_path)
