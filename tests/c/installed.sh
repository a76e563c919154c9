# From an installed prefix only, as users build: through pkg-config and through CMake; part of run.sh.
prefix=$out/prefix
check "install" ffi/install.sh "$target/debug" "$prefix"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig

layout() { # what must lie where
  local file
  for file in lib/libdsrkit.so lib/libdsrkit.a include/dsrkit.h include/dsrkit.hpp include/dsrkit/client.hpp \
    lib/pkgconfig/dsrkit.pc lib/cmake/dsrkit/dsrkitConfig.cmake share/man/man3/dsrkit.3; do
    [ -s "$prefix/$file" ] || { echo "no $file"; return 1; }
  done
  [ "$(readlink "$prefix/lib/libdsrkit.so")" = libdsrkit.so.0 ] &&
    [ "$(pkg-config --modversion dsrkit)" = "$(sed -n 's/^#define DSR_VERSION "\(.*\)"/\1/p' include/dsrkit.h)" ]
}
check "what is installed, and where" layout

manual() { # every function has its page, which is there and whole
  local page=$prefix/share/man/man3 function
  for function in $(grep -oE '\bdsr_\w+\(' include/dsrkit.h | tr -d '(' | sort -u); do
    [ -s "$page/$function.3" ] && grep -q "\b$function(" "$page/dsrkit.3" || { echo "$function"; return 1; }
  done
  ! command -v groff >/dev/null || [ -z "$(groff -ww -man -Tutf8 -z "$page/dsrkit.3" 2>&1)" ]
}
check "the manual page names every function" manual

staged() { # packagers: DESTDIR in front, another folder for libraries
  DESTDIR=$out/stage LIBDIR=lib64 ffi/install.sh "$target/debug" /usr &&
    [ -e "$out/stage/usr/lib64/libdsrkit.so.0" ] && grep -q '^prefix=/usr$' "$out/stage/usr/lib64/pkgconfig/dsrkit.pc"
}
check "install with DESTDIR and LIBDIR" staged
rm -rf "$out/stage"

strict="-Wall -Wextra -Wpedantic -Werror"
check "compile delete.c" gcc -std=c99 $strict examples/c/delete.c $(pkg-config --cflags --libs dsrkit) -o "$out/delete"
check "compile retrieve.cpp" g++ -std=c++17 $strict examples/cpp/retrieve.cpp $(pkg-config --cflags --libs dsrkit) -o "$out/retrieve"

sed -n '/^ \*     #include/,/^ \*     }$/s/^ \*\( \{5\}\)\{0,1\}//p' "$prefix/include/dsrkit.h" >"$out/whole.c"
for std in c99 c++11; do
  check "the header's example as $std" gcc -std=$std $strict -x "${std%%[0-9]*}" $(pkg-config --cflags dsrkit) -fsyntax-only "$out/whole.c"
done
check "compile the header's example" gcc -std=c99 $strict "$out/whole.c" $(pkg-config --cflags --libs dsrkit) -o "$out/whole"
check "compile vendor.c" gcc -std=c99 $warn $src/vendor.c $(pkg-config --cflags --libs dsrkit) -o "$out/vendor"
whole() { # it does what it says, beside a vendor; and without one it says what is missing
  (cd "$(fresh)" && "$out/vendor" "$out/whole" >said && grep -q '^2 deleted$' said && ! "$out/whole" 2>said && grep -q 'PROJECT_TOKEN .* is not set$' said)
}
LD_LIBRARY_PATH=$prefix/lib check "the header's example erases two people" whole

examples() { # folder, how it was linked: the C and the C++ example
  place=$(fresh)
  check "$2: delete" grep -q '^2 deleted$' <("$1/delete" "$place/journal")
  check "$2: retrieve" grep -q '^2 packages' <("$1/retrieve" "$place/second" "$place/packages")
}
LD_LIBRARY_PATH=$prefix/lib examples "$out" pkg-config

if tool cmake cmake; then
  built=$out/consumer
  check "cmake finds the package" cmake -S $src/consumer -B "$built" -DCMAKE_PREFIX_PATH="$prefix" -DEXAMPLES="$PWD/examples"
  check "cmake builds with it" cmake --build "$built"
  examples "$built" cmake
  check "cmake, static: delete" grep -q '^2 deleted$' <("$built/delete-static" "$(fresh)/journal")
  check "cmake, static: no shared library is needed" absent libdsrkit <(readelf -d "$built/delete-static")
fi
