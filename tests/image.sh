#!/usr/bin/env bash
# Puts the container image of a release into a registry: image.sh DIST HOST/FOLDER. The image is made of
# the programs in the archives for linux, by the program itself; no container engine is needed.
set -euo pipefail

dist=$1
registry=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for arch in amd64 arm64; do
  archive=$(compgen -G "$dist/pgrelocate_*_linux_$arch.tar.gz") || {
    echo "image.sh: $dist has no archive for linux/$arch" >&2
    exit 1
  }
  mkdir "$work/$arch"
  tar -xzf "$archive" -C "$work/$arch" pgrelocate
done
case $(uname -m) in aarch64 | arm64) here=arm64 ;; *) here=amd64 ;; esac
"$work/$here/pgrelocate" self push --registry "$registry" --program "$work/amd64/pgrelocate,$work/arm64/pgrelocate"
