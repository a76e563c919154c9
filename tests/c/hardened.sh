# The same programs under the sanitizers of the compiler, which watch what they do with what the
# library gives and takes; part of run.sh.
hardened() { # program, folder of the library, defines
  check "compile $1.c with sanitizers" gcc -std=c99 $3 $warn -fsanitize=address,undefined -fno-sanitize-recover=all \
    -fno-omit-frame-pointer $src/$1.c -o "$out/$1-hardened" $(link "$2")
}
hardened misuse "$out/failpoints" -DFAILPOINTS
for name in settings single account callbacks; do hardened $name "$out" ""; done
hardened threads "$out" ""
hardened watching "$out" ""
hardened sequences "$out" ""
program "misuse, sanitized" "$out/misuse-hardened" "$(fresh)"
for name in settings single account callbacks; do program "$name, sanitized" "$out/$name-hardened" "$(fresh)"; done
program "threads, sanitized" "$out/threads-hardened"
program "watching, sanitized" "$out/watching-hardened"
program "sequences, sanitized" "$out/sequences-hardened" 100000 400 "$(fresh)"
