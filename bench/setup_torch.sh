#!/usr/bin/env bash
# Makes the virtual environment with the newest PyTorch on PyPI that `make bench-torch` compares with, outside the
# tree: TORCH_VENV, by default ~/.cache/fastnb/torch-venv. Needs Python 3.10 or later (PYTHON names it) and about
# 6 GB, since PyTorch's package brings its CUDA libraries.
set -euo pipefail
venv=${TORCH_VENV:-$HOME/.cache/fastnb/torch-venv}
if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import torch, numpy, PIL' 2>/dev/null; then exit 0; fi
mkdir -p "$(dirname "$venv")"
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install -q torch numpy pillow
