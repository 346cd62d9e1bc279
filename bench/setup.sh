#!/usr/bin/env bash
# Makes the virtual environment with fastai 1.0.61 on PyTorch that the benchmarks compare with, outside
# the tree: BENCH_VENV, by default ~/.cache/fastnb/bench-venv. Needs CPython 3.11 (PYTHON names it) and
# about 5 GB, since PyTorch's package brings its CUDA libraries.
set -euo pipefail
cd "$(dirname "$0")"
venv=${BENCH_VENV:-$HOME/.cache/fastnb/bench-venv}
if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import fastai' 2>/dev/null; then exit 0; fi
py=${PYTHON:-python3.11}
command -v "$py" >/dev/null || py=python3
"$py" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "bench: fastai 1.0.61 with PyTorch 2.0.1 needs CPython 3.11 (set PYTHON)"; exit 1; }
mkdir -p "$(dirname "$venv")"
"$py" -m venv "$venv"
"$venv/bin/pip" install -q -r requirements.txt
"$venv/bin/pip" install -q --no-deps fastai==1.0.61
"$venv/bin/python" patch.py
