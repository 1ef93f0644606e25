#!/usr/bin/env bash
# Installs the Debian packages that a task needs, if any is missing: the one list of what sipcnn depends on.
# Relies on: dpkg, apt-get; root, or sudo.
# Relied on by: demo.sh, test.sh, .ci/run. Why each package: docs/dependencies.md.
set -euo pipefail

# To compile and to run the commands.
build=(gcc libc6-dev cmake ninja-build pkg-config xz-utils
  libpcap-dev libosip2-dev libhdf5-dev libdeflate-dev liblzma-dev libjansson-dev libssl-dev libcurl4-openssl-dev
  libmicrohttpd-dev libsqlite3-dev libxxhash-dev)
# To run the test suite as well.
test=(check clang libclang-rt-14-dev llvm libomp-dev clang-format shellcheck valgrind tshark
  libsofia-sip-ua-dev zzuf iproute2
  python3 python3-h5py python3-pandas python3-numpy python3-onnx curl)
# To make traffic with the lab.
lab=(kamailio kamailio-extra-modules kamailio-websocket-modules kamailio-presence-modules
  ejabberd erlang-p1-sip linphone-cli twinkle-console baresip-core sip-tester sipvicious sipsak sofia-sip-bin socat
  gcc libc6-dev pkg-config libsofia-sip-ua-dev openjdk-17-jdk-headless libnist-sip-aosp-java libsip-api-java zzuf
  tcpdump tshark iproute2 nftables python3 python3-pip)
# To watch the demonstration.
demo=(ca-certificates curl python3)

usage() {
  cat <<END
usage: tools/packages.sh [--list] GROUP...

Installs what is missing of the groups: build, test, lab, demo.
  --list   only print the packages

examples:
  tools/packages.sh build
  tools/packages.sh --list build test
END
}

is_installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

install_missing() {
  local package missing=() as_root=()
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ $(id -u) -ne 0 ]]; then
    if ! command -v sudo >/dev/null; then
      echo "packages.sh: please install as root: apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "packages.sh: installing ${missing[*]}" >&2
  "${as_root[@]}" apt-get update -qq >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "${missing[@]}" >&2
}

main() {
  local list='' group packages=()
  [[ ${1:-} != --help ]] || { usage; return 0; }
  [[ ${1:-} != --list ]] || { list=yes; shift; }
  [[ $# -gt 0 ]] || { usage >&2; return 2; }
  for group in "$@"; do
    case $group in
      build) packages+=("${build[@]}") ;;
      test) packages+=("${test[@]}") ;;
      lab) packages+=("${lab[@]}") ;;
      demo) packages+=("${demo[@]}") ;;
      *) echo "packages.sh: there is no group \"$group\"" >&2; return 2 ;;
    esac
  done
  if [[ $list ]]; then
    printf '%s\n' "${packages[@]}" | sort -u
  else
    install_missing "${packages[@]}"
  fi
}

main "$@"
