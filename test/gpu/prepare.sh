#!/usr/bin/env bash
# Makes the folder that test/gpu/run.sh needs on a machine with a card, which need not have Go: the program, test
# binaries with their data, PyTorch's side and run.sh itself, packed. From the root of the repository:
#   test/gpu/prepare.sh FOLDER        then, over there: bash FOLDER/run.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
to=${1:?usage: test/gpu/prepare.sh FOLDER}
export CGO_ENABLED=0 GOOS=linux GOARCH=${GOARCH:-amd64} GOFLAGS="${GOFLAGS:-} -trimpath"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$to" "$tmp/testdata"
go build -ldflags "-s -w -X main.version=$(git describe --always --dirty 2>/dev/null || echo dev)" -o "$tmp/fastnb" ./cmd/fastnb
go test -c -ldflags "-s -w" -o "$tmp/fastnb.test" ./fastnb
go test -c -ldflags "-s -w" -o "$tmp/cuda.test" ./fastnb/device/gpu/cuda
cp fastnb/testdata/*.json fastnb/testdata/*trajectories.safetensors "$tmp/testdata"
cp bench/torch_step.py test/gpu/torch_bench.py test/gpu/table.py "$tmp"
tar -C "$tmp" -cf - . | xz --lzma2=preset=${XZ:-3},dict=128MiB >"$to/kit.tar.xz.part"
mv "$to/kit.tar.xz.part" "$to/kit.tar.xz"
cp test/gpu/run.sh "$to/run.sh"
du -sh "$to" | sed 's/^/prepared: /'
