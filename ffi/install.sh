#!/usr/bin/env bash
# Installs the C library: install.sh BUILT PREFIX, where BUILT is a cargo output folder such as
# target/release. DESTDIR is put in front of every path, as packagers expect; LIBDIR (default: lib)
# is for systems that keep libraries in lib64 or lib/<triplet>.
set -eu
built=$1 prefix=$2 libdir=${LIBDIR:-lib}
here=$(cd "$(dirname "$0")" && pwd)
header=$here/../include/dsrkit.h
version=$(sed -n 's/^#define DSR_VERSION "\(.*\)"$/\1/p' "$header")
abi=$(sed -n 's/^#define DSR_ABI_VERSION //p' "$header")
lib=${DESTDIR:-}$prefix/$libdir include=${DESTDIR:-}$prefix/include man=${DESTDIR:-}$prefix/share/man/man3

fill() { # template: the same with what this install decides
  sed -e "s|@prefix@|$prefix|" -e "s|@libdir@|$libdir|" -e "s|@version@|$version|" -e "s|@abi@|$abi|" "$1"
}

install -d "$lib/pkgconfig" "$lib/cmake/dsrkit" "$include/dsrkit" "$man"
install -m 755 "$built/libdsrkit.so" "$lib/libdsrkit.so.$version"
ln -sf "libdsrkit.so.$version" "$lib/libdsrkit.so.$abi"
ln -sf "libdsrkit.so.$abi" "$lib/libdsrkit.so"
install -m 644 "$built/libdsrkit.a" "$lib"
install -m 644 "$here/../include/dsrkit.h" "$here/../include/dsrkit.hpp" "$include"
install -m 644 "$here"/../include/dsrkit/*.hpp "$include/dsrkit"
fill "$here/install/dsrkit.pc.in" >"$lib/pkgconfig/dsrkit.pc"
for part in dsrkitConfig dsrkitConfigVersion; do
  fill "$here/install/$part.cmake.in" >"$lib/cmake/dsrkit/$part.cmake"
done
# One page, that man finds under the name of each function too.
awk -v version="$version" -f "$here/install/manual.awk" "$header" >"$man/dsrkit.3"
for function in $(grep -oE '\bdsr_\w+\(' "$header" | tr -d '(' | sort -u); do
  echo ".so man3/dsrkit.3" >"$man/$function.3"
done
