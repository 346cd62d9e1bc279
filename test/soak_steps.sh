#!/usr/bin/env bash
# 2,000 steps of training of each NAME (`fastnb bench step`): memory must stay flat from step 200 on, and a step may
# allocate at most 1 MB of the collector's.
#
#     soak_steps.sh FASTNB [NAME...]
set -euo pipefail
bin=$1
shift
[ $# -gt 0 ] || set -- narrow-imdb tiny-awdlstm tiny-classifier narrow-planet
for name; do
  printf 'run 200\nrun 900\nrun 900\n' | "$bin" bench step "$name" | python3 -c '
import json, sys
name = sys.argv[1]
_, first, _, last = map(json.loads, sys.stdin)
grown = last["peak_mb"] - first["peak_mb"]
print(f"{name}: {first['"'peak_mb'"']} MB at step 200, {last['"'peak_mb'"']} MB at step 2,000; {last['"'alloc_mb'"']:.2f} MB allocated a step")
if grown > max(8, first["peak_mb"] // 20):
    sys.exit(f"{name}: {grown} MB more after 1,800 steps")
if last["alloc_mb"] > 1:
    sys.exit(f"{name}: more than 1 MB a step")
' "$name"
done
