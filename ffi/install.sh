#!/usr/bin/env bash
# Installs the C library: install.sh BUILT PREFIX, where BUILT is a cargo output folder such as
# target/release. DESTDIR is put in front of every path, as packagers expect.
set -eu
built=$1 prefix=$2
here=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's/^#define DSR_VERSION "\(.*\)"$/\1/p' "$here/../include/dsrkit.h")
abi=$(sed -n 's/^#define DSR_ABI_VERSION //p' "$here/../include/dsrkit.h")
lib=${DESTDIR:-}$prefix/lib include=${DESTDIR:-}$prefix/include

install -d "$lib/pkgconfig" "$include"
install -m 755 "$built/libdsrkit.so" "$lib/libdsrkit.so.$version"
ln -sf "libdsrkit.so.$version" "$lib/libdsrkit.so.$abi"
ln -sf "libdsrkit.so.$abi" "$lib/libdsrkit.so"
install -m 644 "$built/libdsrkit.a" "$lib"
install -m 644 "$here/../include/dsrkit.h" "$here/../include/dsrkit.hpp" "$include"
sed -e "s|@prefix@|$prefix|" -e "s|@version@|$version|" "$here/dsrkit.pc.in" \
  >"$lib/pkgconfig/dsrkit.pc"
