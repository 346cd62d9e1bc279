"""Validates notebook files with Python's nbformat and fails on an error output, but for cells that show one on purpose."""
import sys

import nbformat

for path in sys.argv[1:]:
    nb = nbformat.read(path, as_version=4)
    nbformat.validate(nb)
    for cell in nb.cells:
        if "raises-exception" in cell.metadata.get("tags", []):
            continue
        for out in cell.get("outputs", []):
            if out.output_type == "error":
                sys.exit(f"{path}: a cell failed: {out.ename}: {out.evalue}")
    print("valid:", path, len(nb.cells), "cells")
