#!/usr/bin/env bash
# soak_serve.sh FASTNB LOADER FOLDER TIME: wears fastnb serve. Four clients ask for TIME (as 10m), beside them one that sends
# rubbish, goes in the middle, and lets the model be replaced; the memory is looked at every 10 seconds. It fails when
# an answer is not 200, when the server ends, or when it has grown by a third from the first quarter to the last.
set -euo pipefail
fastnb=$(realpath "$1") loader=$(realpath "$2") folder=$3 seconds=$(echo "$4" | sed 's/h/*3600/;s/m/*60/;s/s//' | bc)
mkdir -p "$folder"
[ -e "$folder/bears.fastnb" ] || FASTNB_OFFLINE=1 "$loader" export "$folder"
tmp=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$tmp"' EXIT
cp "$folder/bears.fastnb" "$tmp/bears.fastnb"
"$fastnb" serve "$tmp/bears.fastnb" --addr 127.0.0.1:0 >"$tmp/out" 2>"$tmp/log" &
server=$!
for _ in $(seq 100); do grep -q '^serving' "$tmp/out" && break; sleep 0.2; done
url=$(sed -n 's/^serving at //p' "$tmp/out")
nice "$loader" load -url "${url}api/predict" -clients 4 -seconds "$seconds" "$folder"/*.jpg >"$tmp/figures" &
load=$!
end=$((SECONDS + seconds)) n=0
while [ $SECONDS -lt $end ] && kill -0 $server; do
  awk '/VmRSS/ {print $2}' /proc/$server/status >>"$tmp/memory"
  head -c 3000 /dev/urandom | curl -s -o /dev/null -X POST -H 'Content-Type: image/jpeg' --data-binary @- "${url}analyze"
  curl -s -o /dev/null -m 0.01 -F "file=@$folder/00.jpg" "${url}analyze" || true # gone in the middle
  n=$((n + 1))
  if [ $((n % 6)) -eq 0 ]; then cp "$folder/bears.fastnb" "$tmp/new"; mv "$tmp/new" "$tmp/bears.fastnb"; fi
  sleep 10
done
wait $load
cat "$tmp/figures"
kill -TERM $server
wait $server || { echo "the server ended with $?"; tail "$tmp/log"; exit 1; }
awk '{m[NR] = $1} END {
  q = int(NR / 4); if (q < 1) q = 1
  for (i = 1; i <= q; i++) { a += m[i] / q; b += m[NR - q + i] / q }
  printf "resident memory, MB: %.0f in the first quarter, %.0f in the last, %d looks\n", a / 1024, b / 1024, NR
  exit (b > a * 4 / 3) }' "$tmp/memory"
grep -q '"not_200":{}' "$tmp/figures" || { echo 'some answers were refused'; exit 1; }
echo "replaced models taken up: $(grep -c "model taken up" "$tmp/log")"
