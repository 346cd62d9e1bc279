#!/usr/bin/env bash
# Speed and quality beside fastai 1.0.61 on PyTorch, in one run, the two taking turns:
#   bench/run.sh [planet] [-- options of both sides, as --epochs 6 --size 64]
# DATA names the folder of the data set (default: the planet twin, drawn if absent), SEEDS the seeds.
set -euo pipefail
cd "$(dirname "$0")/.."
task=${1:-planet}; shift || true
[ "${1:-}" = -- ] && shift
seeds=${SEEDS:-1 2 3}
bench/setup.sh
venv=${BENCH_VENV:-$HOME/.cache/fastnb/bench-venv}
data=${DATA:-}
if [ -z "$data" ]; then
  data=out/bench/planet-twin
  [ -f "$data/train_v2.csv" ] || bin/fastnb data sample planet "$data"
fi
out=out/bench/$task-$(date +%Y%m%d-%H%M%S)
mkdir -p "$out"
for s in $seeds; do
  bin/fastnb bench "$task" --json --loader --data "$data" --seed "$s" "$@" > "$out/fastnb-$s.jsonl"
  "$venv/bin/python" "bench/fastai_$task.py" "$data" --loader --seed "$s" "$@" > "$out/fastai-$s.jsonl"
done
"$venv/bin/python" bench/table.py "$out" $seeds | tee "$out/table.md"
