"""Makes counted_calls.h from dsrkit.h: a twin of each function that notes when a call has worked.
check.h puts the twins in the functions' places (-DCOUNTED), and closing_line writes the names of what
worked into the file that CALLED names; run.sh fails when a function of the header is not among them."""

import sys

from misuse_calls import functions


def worked(returns, name):
    """What a call gives that has worked, as C."""
    if name == "dsr_abi_version":
        return "gave == DSR_ABI_VERSION"
    if name == "dsr_error_code":
        return "gave != DSR_BAD_STATE"
    if returns == "dsr_status":
        return "gave == DSR_OK"
    if "*" in returns:
        return "gave != NULL"
    if returns in ("int", "int64_t") and not name.endswith("_http_status"):
        return "gave != -1"
    return "gave != 0"


def main():
    found = list(functions(open(sys.argv[1]).read()))
    out = ["/* Made by counted_calls.py from dsrkit.h. */"]
    out += ["#ifdef __cplusplus", "#define TWIN inline", "#else", "#define TWIN static", "#endif"]
    out += [f"TWIN char has_worked[{len(found)}];", "#undef TWIN"]
    out += ["#ifdef __cplusplus", "#define TWIN inline", "#else", "#define TWIN static inline", "#endif"]
    out += ["TWIN const char *name_of_call(int at) {", "    static const char *const names[] = {"]
    out += ["        " + ", ".join(f'"{name}"' for _, name, _ in found) + ", NULL,", "    };", "    return names[at];", "}"]
    for at, (returns, name, parameters) in enumerate(found):
        declared = ", ".join(f"{kind} {each}" for kind, each in parameters) or "void"
        call = f"{name}({', '.join(each for _, each in parameters)})"
        if returns == "void":
            out += [f"TWIN void worked_{name}({declared}) {{", f"    if ({parameters[0][1]}) has_worked[{at}] = 1;", f"    {call};", "}"]
            continue
        out += [f"TWIN {returns} worked_{name}({declared}) {{", f"    {returns} gave = {call};"]
        out += [f"    if ({worked(returns, name)}) has_worked[{at}] = 1;", "    return gave;", "}"]
    out += [f"#define {name} worked_{name}" for _, name, _ in found]
    out += ["#undef TWIN"]
    print("\n".join(out))


if __name__ == "__main__":
    main()
