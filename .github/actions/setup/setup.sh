#!/usr/bin/env bash
# Installs the release SETUP_VERSION from below SETUP_URL into the runner's tool cache and
# puts it on the PATH of the steps that follow. Nothing is unpacked that does not have its checksum.
set -euo pipefail

fail() {
  echo "::error::$*" >&2
  exit 1
}

[[ $SETUP_VERSION =~ ^v[0-9][0-9A-Za-z.+-]*$ ]] || fail "version: '$SETUP_VERSION' is no release; v1.2.3 is one"
number=${SETUP_VERSION#v}
case ${RUNNER_OS:-Linux} in
  Linux) system=linux ;;
  macOS) system=darwin ;;
  Windows) system=windows ;;
  *) fail "no release is built for $RUNNER_OS" ;;
esac
case ${RUNNER_ARCH:-X64} in
  X64) arch=amd64 ;;
  ARM64) arch=arm64 ;;
  *) fail "no release is built for $RUNNER_ARCH" ;;
esac
archive=pgrelocate_${number}_${system}_$arch.tar.gz
[ $system != windows ] || archive=${archive%.tar.gz}.zip

work=$(mktemp -d "${RUNNER_TEMP:-/tmp}/pgrelocate.XXXXXX")
trap 'rm -rf "$work"' EXIT
for file in checksums.txt "$archive"; do
  curl -fsSL --retry 5 -o "$work/$file" "$SETUP_URL/$SETUP_VERSION/$file" ||
    fail "$SETUP_URL/$SETUP_VERSION/$file cannot be had"
done
cd "$work"
wanted=$(awk -v name="$archive" '$2 == name {print $1}' checksums.txt)
[ -n "$wanted" ] || fail "checksums.txt does not name $archive"
# macOS has shasum, and a sha256sum that takes other flags.
if command -v sha256sum >/dev/null; then sum=$(sha256sum "$archive"); else sum=$(shasum -a 256 "$archive"); fi
[ "${sum%% *}" = "$wanted" ] || fail "$archive does not have its checksum"

path=${RUNNER_TOOL_CACHE:-$HOME/.cache}/pgrelocate/$number/$arch
mkdir -p "$path"
if [ $system = windows ]; then
  unzip -qo "$archive" -d "$path"
else
  tar -xzf "$archive" -C "$path"
fi
echo "$path" >>"$GITHUB_PATH"
echo "path=$path" >>"$GITHUB_OUTPUT"
"$path/pgrelocate" version
