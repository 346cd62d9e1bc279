#!/usr/bin/env bash
# Pins the images that the Docker files start from by their digests: pin.sh [--check] [DOCKERFILE...].
# Each FROM name:tag becomes FROM name:tag@sha256:..., as `docker buildx imagetools inspect` tells it now; run it
# again to take newer images. --check changes nothing, tells what is not pinned or older than its tag, and fails
# where a pinned image is not there. Where the images' registry cannot be reached it says so and changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
check=
[ "${1:-}" = --check ] && { check=1; shift; }
[ $# -gt 0 ] || set -- docker/Dockerfile docker/Dockerfile.gpu
command -v docker >/dev/null || { echo 'pin: docker is not installed: nothing was pinned or checked'; exit 0; }
bad=0
for file in "$@"; do
  for image in $(sed -n 's/^FROM \([^ ]*:[^ ]*\).*/\1/p' "$file" | sort -u); do
    name=${image%%@*}
    digest=$(docker buildx imagetools inspect "$name" --format '{{.Manifest.Digest}}' 2>/dev/null) || digest=
    if ! [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]]; then
      echo "pin: $file: $name: its digest cannot be read from here"
    elif [ "$image" = "$name@$digest" ]; then
      echo "pin: $file: $name is $digest"
    elif [ -n "$check" ] && [ "$image" = "$name" ]; then
      echo "pin: $file: $name is not pinned (run docker/pin.sh): today it is $digest"
    elif [ -n "$check" ] && docker buildx imagetools inspect "$image" >/dev/null 2>&1; then
      echo "pin: $file: $name is pinned to an older image than $digest"
    elif [ -n "$check" ]; then
      echo "pin: $file: $image is not there (run docker/pin.sh)"
      bad=1
    else
      sed -e "s#^FROM $image\$#FROM $name@$digest#" -e "s#^FROM $image #FROM $name@$digest #" "$file" >"$file.tmp"
      mv "$file.tmp" "$file"
      echo "pin: $file: $name is now $digest"
    fi
  done
done
exit $bad
