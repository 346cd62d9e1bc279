#!/usr/bin/env bash
# Tests and measures fastnb on this machine's card, beside PyTorch where python3 has it. Needs the folder that
# test/gpu/prepare.sh made (this script lies in it), Python 3, and nothing else.
#
#   bash run.sh [--quick] [--only PART[,PART]]      parts, in their order: info unet losses opencl ours torch cpu kernels tf32 more
#                                                   compile profile tests tiles
# What no card has shown yet comes first: the U-Net in each precision with its losses side by side, trainings beside
# the processor's, and the suite of operations by OpenCL.
#
# FASTNB_DEVICE  the device: cuda (default); opencl for a rehearsal without a card
# TINY=1         small works with patient limits, for the rehearsal
# OUT            folder for what comes back (default: out beside this script): log.txt, table.txt, selftest.json,
#                bench.jsonl, stages.txt, profile.txt, tiles.txt, gpu/ (what was measured of products)
# The exit status is 1 where a part failed that is not PyTorch's.
#
# LIMIT          seconds for all of it (default 420, with TINY=1 2400); nothing begins for which no time is left
# PYTHON         python3 with torch
set -u
here=$(cd "$(dirname "$0")" && pwd)
OUT=${OUT:-$here/out}
export FASTNB_DEVICE=${FASTNB_DEVICE:-cuda}
PYTHON=${PYTHON:-python3} TINY=${TINY:-0} quick=0 only= patience=1
if [ "$TINY" = 1 ]; then # on processors that others use too
  patience=5
  export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive # PyTorch's threads wait for each other at work
fi
LIMIT=${LIMIT:-$([ "$TINY" = 1 ] && echo 2400 || echo 420)}
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=1 ;;
    --only) only=,$2, ; shift ;;
    *) echo "run.sh: $1: unknown" >&2; exit 2 ;;
  esac
  shift
done
mkdir -p "$OUT"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$PYTHON" -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$here/kit.tar.xz" "$work" || exit 1
cd "$work"
export FASTNB_HOME=${FASTNB_HOME:-$work/home} FASTNB_CI=1 FASTNB_TEST_DEVICE=$FASTNB_DEVICE PYTHONUNBUFFERED=1
# What was measured about products on such a card before, in gpu/ beside this script, saves the measuring.
mkdir -p "$FASTNB_HOME/gpu"
[ -d "$here/gpu" ] && cp "$here"/gpu/*.json "$FASTNB_HOME/gpu"
log=$OUT/log.txt json=$OUT/bench.jsonl
: >"$log"; : >"$json"; : >"$OUT/profile.txt"; : >"$OUT/stages.txt"
begin=$(date +%s)
left() { echo $((LIMIT - $(date +%s) + begin)); }
say() { echo "[$(($(date +%s) - begin)) s] $*" | tee -a "$log"; }
wanted() { [ -z "$only" ] || [[ $only == *,$1,* ]]; }

# stage NAME RESULT SECONDS: a line of the table of stages.
stage() { printf '%-28s %-24s %s\n' "$1" "$2" "$3" >>"$OUT/stages.txt"; }
# needs NAME WHAT: a stage that this device cannot have.
needs() { say "$1: needs $2"; stage "$1" "needs $2" ""; }

# part NAME SECONDS COMMAND...: with its own limit, less where less is left; its failure stops nothing. What is cut
# short tells where it stood: Go's programs print their goroutines.
failed= bad=0 # bad: a part of ours
part() {
  local name=$1 limit=$(($2 * patience)) l rc at; shift 2
  at=$(date +%s)
  l=$(left); [ "$l" -lt "$limit" ] && limit=$l
  if [ "$limit" -lt 5 ]; then say "$name: left out, the time is up"; stage "$name" "left out, no time"; return; fi
  timeout -s QUIT -k 5 "$limit" "$@" >"$work/part.log" 2>&1; rc=$?
  { echo "== $name: $*"; tail -c 60000 "$work/part.log"; } >>"$log"
  local said
  said=$([ $rc = 0 ] && echo ok || echo "FAILED ($rc$([ $rc = 124 ] || [ $rc = 137 ] && echo ': time limit'))")
  say "$name: $said"; stage "$name" "$said" "$(($(date +%s) - at)) s"
  if [ $rc != 0 ]; then
    failed="$failed${failed:+,} $name"
    case $name in torch*) ;; *) bad=1 ;; esac
    tail -n 12 "$work/part.log" | cut -c1-300
  fi
  return 0
}

device=$FASTNB_DEVICE torch_device=cuda
[ "$device" = opencl ] && torch_device=cpu
unet=gpu-unet34-180x240-bs8 lm=gpu-awdlstm-60k-bs64 train="gpu-resnet34-128-bs64 $unet $lm"
more="gpu-infer34-128-bs64 gpu-resnet50-64-bs64 gpu-headpose-120x160-bs64 gpu-classifier-60k-bs64 gpu-infer34-128-bs1"
steps=20 seconds=4 each=45
if [ "$TINY" = 1 ]; then unet=tiny-unet lm=tiny-awdlstm train="tiny-resnet $unet $lm" more="tiny-infer tiny-headpose tiny-classifier" steps=3 seconds=1; fi
others=${train/ $unet/}
[ $quick = 1 ] && more= steps=20 seconds=2

# ours PRECISION WORK...: each work in a process of its own, so that none takes another along.
ours() {
  local p=$1 w; shift
  for w in "$@"; do
    part "ours $w $p" $each bash -c './fastnb bench device "$1" --json --device "$2" --precision "$3" --steps "$4" --seconds "$5" | tee -a "$6"; exit ${PIPESTATUS[0]}' - "$w" "$device" "$p" $steps $seconds "$json"
  done
}
torch() { # PRECISIONS LIMIT WORKS
  part "torch $1" "$2" "$PYTHON" torch_bench.py --device $torch_device --works "${3// /,}" --precisions "$1" --steps $steps --seconds $seconds --budget "$2" --json "$json"
}

if wanted info; then
  part info 30 bash -c 'nvidia-smi -L; nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap,clocks.sm,clocks.mem,power.limit --format=csv; ./fastnb --version; ./fastnb gpu info'
  cat "$work/part.log"
fi
have_torch=0
"$PYTHON" -c 'import torch' 2>/dev/null && have_torch=1
[ $have_torch = 0 ] && say "python3 has no torch: nothing beside"
beside() { wanted torch && [ $have_torch = 1 ]; }

table() { "$PYTHON" table.py "$json" | tee -a "$log"; }
results() { grep -h -e '^ok' -e '^BAD' -e '^left' "$work/part.log" | cut -c1-170; }

if wanted unet || wanted ours; then
  for p in f16 bf16 f32; do ours $p $unet; done
  "$PYTHON" table.py --losses "$json" | tee -a "$log"
fi
if wanted losses; then
  part losses 60 bash -c './fastnb gpu selftest --only losses'
  results
fi
if wanted opencl; then # the same card through the other driver
  if [ "$device" = cuda ]; then
    part opencl 110 ./fastnb gpu selftest --device opencl --only losses,kernels --seconds 95
    results
  else
    needs opencl "a card of NVIDIA (it is the same one by the other driver)"
  fi
fi
if wanted ours; then ours f16 $others; fi
if beside; then torch f16 60 "$train"; fi
if wanted cpu; then
  part "processor ${train%% *}" 45 bash -c './fastnb bench device "$1" --json --device cpu --steps 3 --seconds 6 | tee -a "$2"; exit ${PIPESTATUS[0]}' - "${train%% *}" "$json"
fi
table
if wanted kernels; then
  part kernels 100 bash -c './fastnb gpu selftest --json --only memory,products,kernels --seconds '$((80 * patience))' >"$1"; rc=$?; cat "$1"; exit $rc' - "$OUT/selftest.json"
  "$PYTHON" table.py --selftest "$OUT/selftest.json" | tee -a "$log"
fi
if wanted ours; then ours f32 $others; ours bf16 $others; fi
if wanted tf32; then
  if [ "$device" = cuda ]; then
    FASTNB_GPU_TF32=1 ours f32 $lm ${train%% *}
  else
    needs tf32 "a card of NVIDIA (compute 8.0: its tensor cores)"
  fi
fi
if beside; then
  torch tf32 45 "$train"
  torch f32 30 "${train%% *}"
  [ $quick = 1 ] || torch bf16 45 "$train"
fi
if wanted more && [ -n "$more" ]; then
  ours f16 $more
  [ $have_torch = 1 ] && torch f16 60 "$more"
fi
if wanted compile && [ $have_torch = 1 ] && [ $quick = 0 ]; then
  for w in $train; do
    mode=reduce-overhead # CUDA graphs: the least overhead that PyTorch has
    case $w in *awdlstm*) mode=default ;; esac
    part "torch compile $w" 90 "$PYTHON" torch_bench.py --device $torch_device --works "$w" --precisions f16 --compile $mode --steps $steps --seconds $seconds --json "$json"
  done
fi
if wanted profile; then
  for w in $train; do
    part "profile $w" 40 ./fastnb bench device "$w" --device "$device" --precision f16 --steps 3 --seconds 1 --profile
    { echo "== $w f16"; cat "$work/part.log"; } >>"$OUT/profile.txt"
  done
fi
if wanted tests; then
  part "trajectories" 60 ./fastnb.test -test.run 'FP16|Families|Trajectories|GPU' -test.skip OptionsCount -test.v
  grep -h -e '^--- ' -e '^ *--- FAIL' "$work/part.log" | cut -c1-150 | head -20
  [ "$device" = cuda ] || needs driver "a card of NVIDIA (CUDA's driver)"
  [ "$device" = cuda ] && part "driver" 60 env FASTNB_TEST_CARD=1 ./cuda.test -test.v -test.run 'TestDevice|Card'
fi
if wanted tiles && [ $quick = 0 ]; then
  part tiles 60 bash -c './fastnb gpu products --device "$1" --precision f16,f32 --seconds 0.003 --only "$3" >"$2" 2>&1' - "$device" "$OUT/tiles.txt" "$([ "$TINY" = 1 ] && echo tiny)"
  head -40 "$OUT/tiles.txt" | cut -c1-200
fi
mkdir -p "$OUT/gpu" && cp "$FASTNB_HOME"/gpu/*.json "$OUT/gpu" 2>/dev/null
"$PYTHON" table.py "$json" >"$OUT/table.txt"
{ echo; echo "stages:"; cat "$OUT/stages.txt"; } >>"$OUT/table.txt"
echo; cat "$OUT/table.txt"
say "done${failed:+; FAILED:$failed}"
[ $bad = 0 ]
