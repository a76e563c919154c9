# The examples of every other language that calls C, against the installed library; part of run.sh.
export LD_LIBRARY_PATH=$prefix/lib GOCACHE=$target/go-cache GOFLAGS=-mod=mod

erases() { # what, command that takes a journal: it tells the run's end and "2 deleted"
  local journal
  journal=$(fresh)/journal
  check "example $1" timeout 120 bash -c '"$@" >"$0" && grep -q "finished: 2 done" "$0" && grep -q "^2 deleted$" "$0"' \
    "$out/said" "${@:2}" "$journal"
}

short() { # an example of the main job is read in one go; a vendor of one's own is a program
  local long
  long=$(find examples -type f -not -name '*.md' -not -path '*/vendor/*' -exec awk 'END { if (NR > 59) print FILENAME }' {} \;)
  [ -z "$long" ] || { echo "longer than 59 lines: $long"; return 1; }
}
check "examples are short" short

if tool go "Go example"; then
  check "compile delete.go" go build -o "$out/delete-go" examples/go/delete.go
  erases Go "$out/delete-go"
fi
if tool npm "Node example"; then
  # koffi comes from the registry once; later runs need no network.
  koffi=$target/node/node_modules
  if [ -d "$koffi/koffi" ] || npm install --silent --no-audit --no-fund --prefix "$target/node" koffi@3 >/dev/null 2>&1; then
    NODE_PATH=$koffi erases Node node examples/node/delete.js
  else
    skipped+=("Node example (koffi could not be fetched)")
    [ -z "${ALL_TOOLS:-}" ] || check "koffi is installed" false
  fi
fi
if tool ruby "Ruby example"; then erases Ruby ruby examples/ruby/delete.rb; fi
if tool mcs "C# example"; then
  check "compile Delete.cs" mcs -out:"$out/Delete.exe" examples/csharp/Delete.cs
  erases 'C#' mono "$out/Delete.exe"
fi
jna=/usr/share/java/jna.jar
if tool javac "Java example" && { [ -e $jna ] || tool "$jna" "Java example (libjna-java)"; }; then
  erases Java java -cp $jna examples/java/Delete.java
fi
if tool luajit "LuaJIT example"; then erases LuaJIT luajit examples/lua/delete.lua; fi
if tool php "PHP example"; then erases PHP php examples/php/delete.php; fi
unset LD_LIBRARY_PATH
