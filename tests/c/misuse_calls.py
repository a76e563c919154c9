"""Makes misuse_calls.h from dsrkit.h: every function, called wrongly in every way.

For each function: NULL in each pointer parameter that may not be NULL, a handle that was freed and
one of another kind in each handle parameter, a text that is not UTF-8 in each text parameter, and a
panic inside. What each must return is known from the header's rules alone.
"""

import re
import sys

PROTOTYPE = re.compile(r"^([\w ]+?[\w*])\s*\b(dsr_\w+)\(([^)]*)\);", re.M)
HANDLE = re.compile(r"(?:const )?(dsr_\w+) \*")
BY_HAND = {"dsr_version", "dsr_abi_version", "dsr_status_name", "dsr_string_free"}
ARRAYS = {"ids": "IDS", "lengths": "LENGTHS", "body": "BODY", "header_names": "IDS", "header_values": "IDS"}
NUMBERS = {"n_ids": "1", "n_headers": "1", "body_len": "sizeof BODY", "port": "0", "rate": "1.0", "speed": "0", "timeout_ms": "0", "groups": "1"}


def functions(header):
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", header, flags=re.S)
    for returns, name, parameters in PROTOTYPE.findall(text):
        found = []
        for parameter in re.sub(r"\s+", " ", parameters).strip().split(", "):
            if parameter != "void":
                kind, parameter_name = re.match(r"(.*?)(\w+)$", parameter).groups()
                found.append((kind.strip(), parameter_name))
        yield returns.strip(), name, found


def is_array(kind, name):
    """Several values of the caller; "uint64_t *ids" is one that comes back."""
    return name in ARRAYS and "*" in kind and kind.startswith("const")


def handle_of(kind):
    found = HANDLE.fullmatch(kind)
    return found.group(1) if found else None


def wrong_handles(handle):
    other = "report" if handle != "dsr_report" else "event"
    return ["NULL", f"stale.{handle[4:]}", f"(void *)alive.{other}"]


def good(kind, name):
    """An argument that is in order."""
    if name == "err":
        return "&err"
    if is_array(kind, name):
        return ARRAYS[name]
    handle = handle_of(kind)
    if handle:
        return f"alive.{handle[4:]}"
    if kind == "const char *":
        return "NULL" if name.endswith("_or_null") else f"good_text(\"{name}\")"
    if kind.endswith("**") or kind.endswith("*"):
        return "(void *)&output"
    return NUMBERS.get(name, "0")


def call(function, parameters, replaced=None, by=None):
    arguments = [by if at == replaced else good(*parameter) for at, parameter in enumerate(parameters)]
    return f"{function}({', '.join(arguments)})"


def wrong_calls(function, parameters):
    """Pairs of what must come back and the call."""
    for at, (kind, name) in enumerate(parameters):
        handle = handle_of(kind)
        if "*" in kind and name != "err" and not name.endswith("_or_null"):
            yield "DSR_NULL_POINTER", call(function, parameters, at, "NULL")
        if handle:
            for argument in wrong_handles(handle)[1:]:
                yield "DSR_BAD_STATE", call(function, parameters, at, argument)
        if kind == "const char *":
            yield "DSR_BAD_UTF8", call(function, parameters, at, "BAD_TEXT")
        if name == "ids" and is_array(kind, name):
            yield "DSR_BAD_UTF8", call(function, parameters, at, "BAD_IDS")
            yield "DSR_NULL_POINTER", call(function, parameters, at, "NULL_IDS")
        if name == "n_ids":
            yield "DSR_INVALID_INPUT", call(function, parameters, at, "SIZE_MAX")


def main():
    found = list(functions(open(sys.argv[1]).read()))
    handles = sorted({handle_of(p[0]) for _, _, ps in found for p in ps if handle_of(p[0])})
    out = ["/* Made by misuse_calls.py from dsrkit.h. */"]
    out.append("typedef struct {")
    out += [f"    {handle} *{handle[4:]};" for handle in handles]
    out.append("} handles;\nstatic handles alive, stale;")
    out.append("static void *output;\nstatic dsr_error *err;\n")
    wrong, panics, frees = [], [], []
    for returns, function, parameters in found:
        if function in BY_HAND:
            continue
        if function.endswith("_free"):
            for argument in wrong_handles(handle_of(parameters[0][0])):
                frees.append(f"    {function}({argument});")
            # A panic inside frees nothing: the handle is alive afterwards (see what main checks).
            panics.append(f"    PANIC_NEXT();\n    {call(function, parameters)};")
            continue
        if returns == "dsr_status" and function != "dsr_error_code":
            for status, text in wrong_calls(function, parameters):
                wrong.append(f"    REFUSES({status}, {text});")
            panics.append(f"    PANICS({call(function, parameters)});")
            continue
        nothing = {"dsr_status": "{} == DSR_BAD_STATE", "const char *": "{} == NULL"}.get(
            returns, "is_nothing((int64_t){})"
        )
        for argument in wrong_handles(handle_of(parameters[0][0])):
            wrong.append(f"    CHECK({nothing.format(call(function, parameters, 0, argument))});")
        panics.append("    PANIC_NEXT();")
        panics.append(f"    CHECK({nothing.format(call(function, parameters))});")
    for name, lines in (("wrong_calls", wrong), ("panicking_calls", panics), ("wrong_frees", frees)):
        out += [f"static void {name}(void) {{", *lines, "}\n"]
    print("\n".join(out))


if __name__ == "__main__":
    main()
