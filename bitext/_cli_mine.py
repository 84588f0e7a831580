"""`bitext mine`: pairs that translate each other in two bags of segments."""

from __future__ import annotations

import argparse
import json

from bitext._cli import Commands, add_command, add_encoder, add_output, log, put


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "mine",
        _mine,
        "Find the pairs that translate each other in two files of segments in any order.",
        formats=("tsv", "jsonl"),
    )
    command.add_argument("source", metavar="SOURCE", help="one segment a line; - is standard input")
    command.add_argument("target", metavar="TARGET", help="one segment a line")
    command.add_argument("--encoding", help="of the files; default: detected")
    add_encoder(command)
    limit = command.add_mutually_exclusive_group()
    limit.add_argument(
        "--threshold",
        type=float,
        metavar="X",
        help="take pairs of this margin or better; default: those more likely right than wrong",
    )
    limit.add_argument(
        "--precision",
        type=float,
        metavar="P",
        help="take as many pairs as leave about this share of them right",
    )
    command.add_argument(
        "--retrieval",
        choices=("mutual", "max", "forward", "backward"),
        default="mutual",
        help="both best for each other, each used once, best for each source, best for each target; default: mutual",
    )
    command.add_argument(
        "--search",
        choices=("exact", "faiss"),
        default="exact",
        help="faiss is approximate for large files; default: exact",
    )
    add_output(command)


def _mine(args: argparse.Namespace) -> int:
    from bitext import mining
    from bitext.errors import BitextError
    from bitext.formats.text import open_text

    if args.source == args.target == "-":
        raise BitextError("SOURCE and TARGET are both standard input; expected at least one file.")
    bags = []
    for path in (args.source, args.target):
        with open_text(path, encoding=args.encoding) as lines:
            bags.append([" ".join(line.split()) for line in lines])
    source, target = bags
    mined = mining.mine(
        source,
        target,
        embedder=args.embedder,
        threshold=args.threshold,
        precision=args.precision,
        retrieval=args.retrieval,
        search=args.search,
        device=args.device,
    )
    rows = []
    for pair in mined:
        texts = source[pair.source[0]], target[pair.target[0]]
        if args.format == "tsv":
            rows.append("\t".join((f"{pair.probability:.4f}", *texts)))
            continue
        row = {
            "probability": round(pair.probability, 4),
            "margin": round(pair.margin, 4),
            "similarity": round(pair.similarity, 4),
            "source": texts[0],
            "target": texts[1],
            "source_lines": [i + 1 for i in pair.source],
            "target_lines": [j + 1 for j in pair.target],
        }
        rows.append(json.dumps(row, ensure_ascii=False))
    put("".join(f"{row}\n" for row in rows), args.output)
    right = f", {mined.precision:.1%} of them right by estimate" if len(mined) else ""
    log(f"{len(mined)} pairs{right}; {mined.n_left_out} more not good enough")
    for name, n, n_blank, n_repeated in zip(
        ("source", "target"), mined.n_segments, mined.n_blank, mined.n_repeated, strict=True
    ):
        log(f"{name}: {n} lines, {n_blank} blank, {n_repeated} repeat another")
    if mined.n_copied:
        log(f"{mined.n_copied} texts are in both files; none is paired with itself")
    return 0
