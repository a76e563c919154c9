"""Makes sequences_calls.h from dsrkit.h: one C function per function of the header, which calls it with
arguments drawn at random. See sequences.c."""

import sys

from misuse_calls import functions, handle_of

NUMBERS = {
    "n_ids": "(size_t)chance(4)",
    "n_headers": "(size_t)chance(4)",
    "body_len": "chance(33)",
    "http_status": "(uint16_t)(chance(2) ? 202 : 503)",
    "port": "0",
    "speed": "0",
    "rate": "(double)chance(100)",
    "timeout_ms": "(int64_t)chance(4)",
    "key_bytes": "chance(4) ? 32 : 31",
    "max_level": "(int)chance(7)",
    "index": "chance(3)",
    "batch": "chance(3)",
    "ms": "(int64_t)chance(2000) - 2",
    "days": "chance(3000)",
    "groups": "chance(2100)",
    # A task may take a month, and a client with odd settings looks at it each second of it.
    "wait": "false",
    "people": "chance(4)",
    "confirm_people": "chance(4)",
    "older_than_ms": "(int64_t)chance(3) - 1",
    "at_ms": "(int64_t)chance(2) * 4102444800000",
}


def output_of(kind):
    """The kind of handle that comes back through a parameter."""
    return handle_of(kind[:-1].strip()) if kind.endswith("**") else None


def argument(kind, name, kinds):
    handle = handle_of(kind)
    if name == "err":
        return "chance(2) ? &err : NULL"
    if name == "callback_or_null":
        return "chance(2) ? on_line : NULL"
    if handle:
        return f"pick(pools, N_POOLS, {kinds.index(handle)})"
    if name == "ids" and kind.startswith("const"):
        return "chance(8) ? IDS : chance(2) ? BAD_IDS : NULL"
    if name in ("header_names", "header_values"):
        return "chance(8) ? IDS : NULL"
    if name == "body":
        return "chance(8) ? KEY : NULL"
    if name == "public_key":
        return f"dsr_sandbox_callback_key(pick(pools, N_POOLS, {kinds.index('dsr_sandbox')}))"
    if name == "lengths":
        return "chance(8) ? LENGTHS : NULL"
    if name == "confirm_or_null":
        return f"chance(3) ? dsr_plan_confirm(pick(pools, N_POOLS, {kinds.index('dsr_plan')})) : NULL"
    if name == "run_id" or name == "task_id" or name == "task_id_or_null":
        return (
            f"chance(3) ? dsr_run_id(pick(pools, N_POOLS, {kinds.index('dsr_run')})) : "
            f"dsr_job_id(pick(pools, N_POOLS, {kinds.index('dsr_job')}))"
        )
    if kind == "const char *":
        return f'any_text("{name}")'
    if name == "key_or_null":
        return "KEY"
    if output_of(kind) in kinds:
        return "chance(16) ? (void *)&made : NULL"
    if kind == "char **":
        return "chance(16) ? &given : NULL"
    if "*" in kind:
        return "chance(16) ? (void *)&number : NULL" if name != "user_or_null" else "NULL"
    return NUMBERS.get(name, "(int)chance(4)")


def main():
    found = [f for f in functions(open(sys.argv[1]).read()) if f[1] != "dsr_string_free"]
    kinds = sorted({handle_of(p[0]) for _, _, ps in found for p in ps if handle_of(p[0])})
    out = ["/* Made by sequences_calls.py from dsrkit.h. */", f"enum {{ N_POOLS = {len(kinds)} }};"]
    out += ["static pool pools[N_POOLS];", ""]
    out += ["static void keep(int own, void *made) {"]
    out += ["    pool *mine = &pools[own];", "    void **place = &mine->kept[mine->next++ % KEPT];"]
    out += ["    void *old = *place;", "    *place = made;", "    switch (own) {"]
    out += [f"    case {at}: {kind}_free(old); break;" for at, kind in enumerate(kinds)]
    out += ["    }", "}", ""]
    for returns, name, parameters in found:
        made = next(
            (kinds.index(output) for k, p in parameters if p != "err" and (output := output_of(k)) in kinds),
            None,
        )
        arguments = ", ".join(argument(kind, parameter, kinds) for kind, parameter in parameters)
        out += [f"static int call_{name}(void) {{"]
        out += ["    dsr_error *err = NULL;", "    void *made = NULL;", "    char *given = NULL;", "    uint64_t number = 0;"]
        call = f"{name}({arguments})"
        if returns == "dsr_status":
            out += [f"    int status = (int){call};"]
        elif returns == "void":
            out += [f"    {call};", "    int status = 0;"]
        elif "*" in returns:
            # A text of a handle is read to its end.
            out += [f"    const char *text = {call};", "    int status = text && strlen(text) < SIZE_MAX ? 0 : 103;"]
        else:
            out += [f"    int64_t told = (int64_t){call};", "    int status = told == -1 ? 103 : 0;"]
        if name in ("dsr_mixpanel_new", "dsr_mixpanel_from_env", "dsr_mixpeek_new"):
            vendor = name.split("_")[1]
            out += [f"    if (made) dsr_{vendor}_set_base_url(made, NOWHERE, NULL);"]
        if made is not None:
            out += [f"    if (made) keep({made}, made);"]
        out += ["    if (given) status = strlen(given) < SIZE_MAX ? status : 103;", "    dsr_string_free(given);"]
        out += [f"    if (err) keep({kinds.index('dsr_error')}, err);"]
        out += ["    (void)made, (void)number;", "    return status == 102 || status == 104 ? 0 : status;", "}", ""]
    out += [f"enum {{ N_CALLS = {len(found)} }};"]
    out += ["static int (*const CALL[])(void) = {" + ", ".join(f"call_{name}" for _, name, _ in found) + "};"]
    out += ["static const char *const NAME[] = {" + ", ".join(f'"{name}"' for _, name, _ in found) + "};", ""]
    out += [f"enum {{ {', '.join(f'{kind[4:].upper()} = {at}' for at, kind in enumerate(kinds))} }};", ""]
    sandbox = kinds.index("dsr_sandbox")
    out += ["static void finish(void) {", "    dsr_log_set(NULL, NULL, DSR_LOG_INFO, NULL);"]
    # Sandboxes outlive the clients that talk to them.
    out += ["    for (int i = 0; i < KEPT; i++)", "        for (int own = 0; own < N_POOLS; own++)"]
    out += [f"            if (own != {sandbox}) keep(own, NULL);"]
    out += [f"    for (int i = 0; i < KEPT; i++) keep({sandbox}, NULL);"]
    out += ["    for (int own = 0; own < N_POOLS; own++) pools[own].next = 0;", "}"]
    print("\n".join(out))


if __name__ == "__main__":
    main()
