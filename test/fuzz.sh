#!/usr/bin/env bash
# Runs every fuzz target in turn: fuzz.sh TIME [PATTERN]. Memory is capped, each input has 20 seconds (the
# targets see to that), and one worker is used so that the cap is that of one process.
set -uo pipefail
cd "$(dirname "$0")/.."
time=${1:-60s} pattern=${2:-.}
ulimit -v "${FUZZ_MEMORY:-6291456}" # kB of address space
export GOMEMLIMIT=${GOMEMLIMIT:-2GiB}
bad=0 n=0
while IFS=: read -r file _ name; do
  name=${name#func } name=${name%%(*}
  [[ "$file $name" =~ $pattern ]] || continue
  dir=./$(dirname "$file")
  n=$((n + 1))
  out=$(go test -run xxx -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 1x -parallel 1 "$dir" 2>&1)
  rc=$?
  echo "$dir $name: $(grep -o 'execs: [0-9]*' <<<"$out" | tail -1), $(grep -o 'total: [0-9]*' <<<"$out" | tail -1) inputs$([ $rc -eq 0 ] || echo ', FAILED')"
  [ $rc -eq 0 ] || { bad=1; tail -40 <<<"$out"; }
done < <(grep -rn '^func Fuzz' --include=*_test.go . | sed 's/^\.\///')
echo "$n fuzz targets"
exit $bad
