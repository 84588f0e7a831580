"""Execute the example notebooks and store what they print.

In: the notebooks of this folder.  Out: the same with fresh outputs, without times and counts of this run.  Needs
the extra ``[dev]``.

    python examples/refresh.py
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bitext

FOLDER = Path(__file__).resolve().parent
NOTEBOOKS = tuple(sorted(FOLDER.glob("*.ipynb")))


def executed(paths: tuple[Path, ...] = NOTEBOOKS) -> list[Any]:
    """Run notebooks one after the other in one kernel, so that an encoder is loaded once; return them.

    Between two of them every name is forgotten: each must stand by itself.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    import nbclient
    import nbformat

    books = [nbformat.read(path, as_version=4) for path in paths]
    merged = nbformat.v4.new_notebook(metadata=books[0].metadata)
    for book in books:
        merged.cells += [*book.cells, nbformat.v4.new_code_cell("%reset -f")]
    client = nbclient.NotebookClient(
        merged, timeout=300, record_timing=False, resources={"metadata": {"path": str(FOLDER)}}
    )
    where = Path(bitext.__file__).parent.parent  # the bitext that runs this, installed or not
    client.execute(env=os.environ | {"PYTHONPATH": str(where)})
    for book in books:  # cells are shared with `merged`
        for number, cell in enumerate((c for c in book.cells if c.cell_type == "code"), start=1):
            cell.execution_count = number
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = number
    return books


def main() -> None:
    """Write them back."""
    import nbformat

    for path, book in zip(NOTEBOOKS, executed(), strict=True):
        nbformat.write(book, path)
        print(f"{path.name}: {path.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
