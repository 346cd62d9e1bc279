"""Copies a notebook with the smallest values in its parameters cell: small.py IN OUT [NAME=VALUE...]"""
import re
import sys

import nbformat

SMALL = {"items": 60, "bs": 8, "size1": 32, "size2": 48, "epochs": 1, "lrIters": 5, "archName": '"resnet18"'}
for arg in sys.argv[3:]:
    name, value = arg.split("=", 1)
    SMALL[name] = value
nb = nbformat.read(sys.argv[1], as_version=4)
for cell in nb.cells:
    if "parameters" in cell.metadata.get("tags", []):
        for name, value in SMALL.items():
            cell.source = re.sub(rf"(?m)^{name} := \S+", f"{name} := {value}", cell.source)
nbformat.write(nb, sys.argv[2])
