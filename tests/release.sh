#!/usr/bin/env bash
# Tries what a release is made of: release.sh DIST. Checks checksums, archives, lists of materials,
# packages (installed and removed where this is root on Debian), the size of the program, the container
# image, and that the same commit makes the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

dist=$1
# The program's largest size in MiB, as it is on linux/amd64: a dependency that makes it larger is
# seen, and somebody has thought about it.
largest=80

fail() {
  echo "release.sh: $*" >&2
  exit 1
}

# holds LISTING NAME... fails where a listing of files lacks one of those.
holds() {
  local listing=$1 name
  shift
  for name in "$@"; do
    grep -qE "(^|/)$name\$" <<<"$listing" || fail "$name is not in: $listing"
  done
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "== checksums"
(cd "$dist" && sha256sum --check --quiet checksums.txt)

echo "== archives"
for system in linux darwin windows; do
  for arch in amd64 arm64; do
    if [ $system = windows ]; then
      archive=$(compgen -G "$dist/pgrelocate_*_${system}_$arch.zip") || fail "no archive for $system/$arch"
      listing=$(unzip -Z1 "$archive")
      holds "$listing" pgrelocate.exe
    else
      archive=$(compgen -G "$dist/pgrelocate_*_${system}_$arch.tar.gz") || fail "no archive for $system/$arch"
      listing=$(tar -tzf "$archive")
      holds "$listing" pgrelocate
    fi
    holds "$listing" LICENSE README.md CHANGELOG.md THIRD_PARTY_NOTICES.txt completions/pgrelocate.bash \
      completions/pgrelocate.zsh completions/pgrelocate.fish completions/pgrelocate.ps1 man/pgrelocate.1.gz man/pgrelocate-copy.1.gz
    materials=$(compgen -G "$dist/pgrelocate_*_${system}_$arch.cdx.json") || fail "no list of materials for $system/$arch"
    grep -q 'pkg:golang/helm.sh/helm/v3@' "$materials" || fail "$materials does not name Helm"
    echo "$(basename "$archive"): $(wc -l <<<"$listing") files"
  done
done

echo "== the program"
tar -xzf "$dist"/pgrelocate_*_linux_amd64.tar.gz -C "$work"
"$work/pgrelocate" version | tee "$work/version.txt"
# goreleaser knows no commit in a clone without a remote.
[ -z "$(git remote)" ] || grep -q "commit $(git log -1 --format=%h --abbrev=12) of $(TZ=UTC0 git log -1 --date=format-local:%Y-%m-%d --format=%cd)" "$work/version.txt" ||
  fail "the version does not name the commit and its date"
grep -q 'github.com/google/go-containerregistry v' "$work/THIRD_PARTY_NOTICES.txt" || fail "the notices do not name go-containerregistry"
size=$(stat -c %s "$work/pgrelocate")
echo "size: $((size >> 20)) MiB on linux/amd64, $(($(stat -c %s "$dist"/pgrelocate_*_linux_amd64.tar.gz) >> 20)) MiB packed"
[ $((size >> 20)) -le $largest ] || fail "the program has more than $largest MiB: see what has come in, and raise the bound on purpose"

echo "== the same commit makes the same bytes"
version=$(awk '{print $2}' "$work/version.txt")
mkdir "$work/elsewhere"
git archive HEAD | tar -x -C "$work/elsewhere"
(cd "$work/elsewhere" && CGO_ENABLED=0 go build -trimpath -buildvcs=false \
  -ldflags "-s -w -X main.version=$version -X main.commit=$(git -C "$OLDPWD" log -1 --format=%H) -X main.date=$(TZ=UTC0 git -C "$OLDPWD" log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)" \
  -o "$work/again" ./cmd/pgrelocate)
if [ -z "$(git status --porcelain)" ] && [ -n "$(git remote)" ]; then
  cmp "$work/pgrelocate" "$work/again" || fail "built in another folder, the program has other bytes"
else
  echo "left out: the work tree is not clean, or the clone has no remote"
fi

echo "== packages"
deb=$(compgen -G "$dist/pgrelocate_*_amd64.deb") || fail "no deb"
rpm=$(compgen -G "$dist/pgrelocate-*.x86_64.rpm") || fail "no rpm"
holds "$(rpm -qpl "$rpm")" usr/bin/pgrelocate usr/share/man/man1/pgrelocate.1.gz usr/share/bash-completion/completions/pgrelocate
holds "$(dpkg-deb -c "$deb" | awk '{print $6}')" usr/bin/pgrelocate usr/share/man/man1/pgrelocate.1.gz usr/share/doc/pgrelocate/copyright
rpm --root "$work/rpm" --initdb
rpm --root "$work/rpm" --nodeps --ignorearch -i "$rpm"
"$work/rpm/usr/bin/pgrelocate" version >/dev/null
rpm --root "$work/rpm" -e pgrelocate
[ ! -e "$work/rpm/usr/bin/pgrelocate" ] || fail "the rpm left its program behind"
if [ "$(id -u)" = 0 ] && ! dpkg -s pgrelocate >/dev/null 2>&1; then
  dpkg -i "$deb"
  /usr/bin/pgrelocate version
  dpkg -r pgrelocate
  [ ! -e /usr/bin/pgrelocate ] || fail "the deb left its program behind"
else
  echo "left out: installing the deb needs root, and no pgrelocate of yours"
fi

echo "== the container image"
crane registry serve --address 127.0.0.1:0 2>"$work/registry.txt" &
registry=$!
trap 'kill "$registry" 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do
  port=$(sed -n 's/.*serving on port \([0-9]*\)$/\1/p' "$work/registry.txt")
  [ -z "$port" ] || break
  sleep 0.1
done
tests/image.sh "$dist" "127.0.0.1:$port/tools" >"$work/image.txt"
cat "$work/image.txt"
image=$(grep -o "127.0.0.1:$port/tools/pgrelocate:[^ ]*" "$work/image.txt" | head -n 1)
crane validate --insecure --remote "$image"
platforms=$(crane manifest --insecure "$image" | tr -d ' \n' | grep -o '"architecture":"[a-z0-9]*"' | sort | tr -d '\n')
[ "$platforms" = '"architecture":"amd64""architecture":"arm64"' ] || fail "the image is for $platforms"
before=$(crane digest --insecure "$image")
tests/image.sh "$dist" "127.0.0.1:$port/again" >/dev/null
[ "$(crane digest --insecure "${image/tools/again}")" = "$before" ] || fail "the same programs made another image"
rm -rf "$dist/image"
crane pull --insecure --format oci "$image" "$dist/image" # what a release would carry, as an OCI image layout
grep -q "$before" "$dist/image/index.json" || fail "the layout does not hold $before"
kill "$registry"

echo "== the action for GitHub"
number=$(sed -n 's/^[0-9a-f]*  pgrelocate_\(.*\)_linux_amd64.tar.gz$/\1/p' "$dist/checksums.txt")
mkdir "$work/runner" "$work/releases"
ln -s "$(realpath "$dist")" "$work/releases/v$number"
# act runs the action's script as a runner would: act VERSION.
act() {
  env RUNNER_OS=Linux RUNNER_ARCH=X64 RUNNER_TEMP="$work/runner" RUNNER_TOOL_CACHE="$work/runner/tools" \
    GITHUB_PATH="$work/runner/path" GITHUB_OUTPUT="$work/runner/output" \
    SETUP_URL="file://$work/releases" SETUP_VERSION="$1" .github/actions/setup/setup.sh
}
act "v$number"
[ -x "$(cat "$work/runner/path")/pgrelocate" ] || fail "the action put no program on the PATH"
mkdir "$work/releases/v0"
sed -E 's/^.{8}/00000000/; s/_[^_]*_linux_amd64/_0_linux_amd64/' "$dist/checksums.txt" >"$work/releases/v0/checksums.txt"
cp "$dist"/pgrelocate_*_linux_amd64.tar.gz "$work/releases/v0/pgrelocate_0_linux_amd64.tar.gz"
refused() {
  if act "$1" 2>"$work/refused.txt"; then fail "the action installed $1"; fi
  grep "^::error::.*$2" "$work/refused.txt" || fail "the action refused $1 for another reason: $(cat "$work/refused.txt")"
}
refused v0 "does not have its checksum"
refused v9.9.9 "cannot be had"
refused '1; rm -rf x' "is no release"

echo "== for Homebrew and krew"
grep -q 'completions/pgrelocate.zsh' "$(compgen -G "$dist/homebrew/Casks/pgrelocate.rb")" || fail "the cask has no completions"
grep -q 'kind: Plugin' "$(compgen -G "$dist/krew/relocate-postgres.yaml")" || fail "no krew manifest"
echo "ok"
