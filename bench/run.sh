#!/usr/bin/env bash
# Speed and quality beside fastai 1.0.61 on PyTorch, the two sides taking turns: bench/run.sh [TASK] [OPTIONS OF BOTH SIDES].
# README.md tells of the tasks and of the environment: DATA, SEEDS, BENCH_VENV, BENCH_LOCK.
set -euo pipefail
cd "$(dirname "$0")/.."
task=planet
case ${1:-} in "" | -*) ;; *) task=$1; shift ;; esac
[ "${1:-}" = -- ] && shift
[ -f "bench/fastai_$task.py" ] || { echo "bench: no task $task (there are $(ls bench/fastai_*.py | sed 's/.*fastai_\(.*\).py/\1/' | xargs))" >&2; exit 2; }
[ -x bin/fastnb ] || { echo "bench: no bin/fastnb (try make build)" >&2; exit 2; }
read -ra seeds <<<"${SEEDS:-1 2 3}"
bench/setup.sh
venv=${BENCH_VENV:-$HOME/.cache/fastnb/bench-venv}
data=${DATA:-}
if [ -z "$data" ]; then
  data=out/bench/$task-twin
  case $task in tokenizer) set_=imdb_sample ;; headpose) set_=biwi_head_pose ;; *) set_=$task ;; esac
  [ -d "$data" ] || bin/fastnb data sample "$set_" "$data"
fi
out=out/bench/$task-$(date +%Y%m%d-%H%M%S)
mkdir -p "$out"
turn() { # turn FILE COMMAND...: one side of one seed, alone if there is a lock
  local file=$1; shift
  if [ -n "${BENCH_LOCK:-}" ]; then set -- flock "$BENCH_LOCK" "$@"; fi
  echo "bench: $file" >&2
  "$@" >"$out/$file.part" && mv "$out/$file.part" "$out/$file"
}
for s in "${seeds[@]}"; do
  turn "fastnb-$s.jsonl" bin/fastnb bench "$task" --json --loader --data "$data" --seed "$s" "$@"
  turn "fastai-$s.jsonl" "$venv/bin/python" "bench/fastai_$task.py" "$data" --loader --seed "$s" "$@"
done
"$venv/bin/python" bench/table.py "$out" "${seeds[@]}" | tee "$out/table.md"
