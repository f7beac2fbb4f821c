#!/usr/bin/env bash
# Makes sure that the named groups of system tools are there, installing from Debian's
# packages what is not. Does nothing, and needs no root, where all of them are there.
#
# Usage: debian.sh CACHE_DIR GROUP...
#   test  what `make test` needs       lint  what `make lint` needs
#   bench what `make bench` needs      node  what `make test-node` needs
#   release what `make snapshot` needs
set -euo pipefail

cache=$1
shift
export PATH="$cache/bin:$PATH:/usr/sbin:/sbin"

say() { echo "debian.sh: $*" >&2; }

# as_root runs a command as root, or says why it cannot.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    sudo "$@"
  else
    say "this needs root: $*"
    return 1
  fi
}

# give_up ends the script: in failure, unless tests may be skipped where a tool is absent.
give_up() {
  say "install by hand, then run make again: $*"
  [ -z "${PGRELOCATE_REQUIRE_REAL-1}" ] && exit 0
  say "\`make test PGRELOCATE_REQUIRE_REAL=\` skips the tests that need what is not there"
  exit 1
}

# patience is for how many seconds what Debian's packages are asked for is tried again. CI waits:
# a mirror or a name server that is away for some minutes should not fail a run of half an hour.
patience=${PGRELOCATE_APT_PATIENCE:-${CI:+600}}

# patiently runs a command, and again while it fails and patience lasts.
patiently() {
  local pause=5
  until "$@"; do
    if ((SECONDS + pause > ${patience:-0})); then return 1; fi
    say "that failed; trying again in $pause s, for $((patience - SECONDS)) s yet"
    sleep "$pause"
    pause=$((pause < 60 ? pause * 2 : 60))
  done
}

updated=
update_lists() {
  [ -n "$updated" ] && return
  say "updating the package lists"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null >&2 || return
  updated=1
}

# try_install PACKAGE... installs from Debian's packages. Lists that were updated while a mirror
# was away are those of before, and so are updated anew for the next try.
try_install() {
  update_lists && as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@" </dev/null >&2 && return
  updated=
  return 1
}
apt_install() { patiently try_install "$@"; }

# try_download PACKAGE puts a package into the working directory.
try_download() {
  apt-get download -qq "$1" >/dev/null 2>&1 && return
  update_lists && apt-get download -qq "$1" >&2 && return
  updated=
  return 1
}

missing=() # packages to install
wanted=()  # commands that stand for them
extras=()  # packages that some tests can do without: they are skipped then

# need COMMAND PACKAGE notes the package where the command is not there.
need() {
  command -v "$1" >/dev/null && return
  missing+=("$2")
  wanted+=("$1")
}

# like COMMAND PACKAGE is need for what is not insisted upon.
like() { command -v "$1" >/dev/null || extras+=("$2"); }

# need_c notes what cgo needs, which Go's race detector is.
need_c() {
  need gcc gcc
  [ -e /usr/include/stdlib.h ] || { missing+=(libc6-dev) && wanted+=("the C headers"); }
}

# unpack_registry puts Debian's docker-registry into the cache. It is unpacked, not
# installed: installing would start it as a service on port 5000.
unpack_registry() {
  command -v docker-registry >/dev/null && return
  say "unpacking Debian's docker-registry into $cache (once)"
  local dir
  dir=$(mktemp -d)
  (
    cd "$dir"
    chmod 755 . # so that apt's own user may write where root runs this
    patiently try_download docker-registry
    dpkg-deb -x docker-registry_*.deb root
  )
  mkdir -p "$cache/bin"
  mv "$dir/root/usr/bin/docker-registry" "$cache/bin/docker-registry"
  rm -rf "$dir"
}

registry=
for group in "$@"; do
  case $group in
    test)
      registry=1
      need_c
      need skopeo skopeo
      # Tools of others that are to read our bundles.
      like podman podman
      like containerd containerd
      like minisign minisign
      like chromium chromium # shows the page of `report`
      ;;
    lint) need shellcheck shellcheck ;;
    release)
      need rpm rpm
      need unzip unzip
      need curl curl
      like minisign minisign
      ;;
    bench)
      registry=1
      need skopeo skopeo
      ;;
    node)
      registry=1
      need containerd containerd
      need iptables iptables
      need_c
      need pkg-config pkg-config
      [ -e /usr/lib/cni/ptp ] || { missing+=(containernetworking-plugins) && wanted+=("the ptp CNI plugin"); }
      [ -e /usr/include/seccomp.h ] || { missing+=(libseccomp-dev) && wanted+=("seccomp.h"); }
      ;;
    *)
      say "no group $group"
      exit 2
      ;;
  esac
done

if ! command -v apt-get >/dev/null; then
  if [ -n "$registry" ] && ! command -v docker-registry >/dev/null; then
    wanted+=(docker-registry)
  fi
  [ ${#wanted[@]} = 0 ] && exit 0
  say "this machine has no apt-get"
  give_up "${wanted[*]}"
fi

if [ ${#missing[@]} != 0 ]; then
  say "installing ${missing[*]} (for ${wanted[*]})"
  apt_install "${missing[@]}" || give_up "apt-get install ${missing[*]}"
fi
if [ ${#extras[@]} != 0 ]; then
  say "installing ${extras[*]}"
  apt_install "${extras[@]}" || say "going on without ${extras[*]}: tests that need one of them are skipped"
fi
[ -z "$registry" ] || unpack_registry
