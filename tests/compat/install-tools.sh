#!/bin/sh
# Installs what Redis's test suite needs: tclsh with TLS, the tools that unpack a Debian source package, openssl, and
# redis-cli and redis-benchmark, which some units call. Only as root on a system with apt; elsewhere it says what to install.
set -eu
packages="tcl tcl-tls openssl dpkg-dev redis-tools"
have_all=yes
for tool in tclsh dpkg-source patch openssl redis-cli redis-benchmark; do
    command -v "$tool" >/dev/null 2>&1 || have_all=no
done
[ -z "$(echo 'package require tls' | tclsh 2>&1)" ] || have_all=no
if [ "$have_all" = yes ]; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get -qq update
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y $packages >/dev/null
else
    echo "To run Redis's test suite, install: $packages (names of Debian's packages)" >&2
fi
