# Makes a manual page of dsrkit.h: its rules, its types, and each function with what is said of it.
function plain(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    if (text ~ /^[.']/) text = "\\&" text
    return text
}
BEGIN {
    printf ".TH DSRKIT 3 \"\" \"dsrkit %s\" \"C library\"\n", version
    print ".SH NAME\ndsrkit \\- data\\-subject requests (retrieval and deletion) done whole"
    print ".SH SYNOPSIS\n.nf\n#include <dsrkit.h>\n\ncc program.c $(pkg\\-config \\-\\-cflags \\-\\-libs dsrkit)\n.fi"
    print ".SH RULES\n.nf"
}
/^ \*\// && !rules { print ".fi\n.SH TYPES AND FUNCTIONS"; rules = 1; next }
!rules { if (NR > 1) { sub(/^ \* ?/, ""); print plain($0) } next }
/^(#|extern "C"|}  *\/\/|$)/ { said = ""; next }
/^ *\/\/ ?/ && !open { sub(/^ *\/\/ ?/, ""); said = said plain($0) "\n"; next }
/^[a-z]/ && !open { open = 1; print ".PP\n.nf" }
open {
    # Inside an enum the comments belong to the values.
    print plain($0)
    if (/;[ ]*$/ && ($0 !~ /^    [A-Z]/)) {
        print ".fi"
        if (said != "") printf ".RS 4\n%s.RE\n", said
        open = 0
        said = ""
    }
}
