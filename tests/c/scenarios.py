"""Runs the shared cases of tests/scenarios through the C surface: every call below crosses the
C ABI of libdsrkit.so, the one that compiled programs load. See the README of the scenarios.

    python3 scenarios.py LIBRARY [PART OF A NAME]

Python 3.11's standard library only. The last line is "scenarios (C): N passed, N failed".
"""

import ctypes as ct
import json
import pathlib
import sys
import tempfile
import tomllib

import scenario_checks

HERE = pathlib.Path(__file__).resolve().parent
CASES = HERE.parent / "scenarios"
FIXTURES = HERE.parent / "fixtures"
OK, NO_EVENT, END = 0, 102, 104
PATIENCE_MS = 60_000
P, TEXT, I64 = ct.c_void_p, ct.c_char_p, ct.c_int64

lib = ct.CDLL(sys.argv[1])
TEXTS = """error_message error_hint job_id job_status flow_task_id flow_task_status flow_download_url
dsar_request_id dsar_status dsar_warning plan_confirm event_kind event_text report_json
status_name outcome_word outcome_id""".split()
for name in TEXTS:
    getattr(lib, f"dsr_{name}").restype = TEXT
lib.dsr_status_name.argtypes = [ct.c_int]
lib.dsr_plan_subjects.restype = ct.c_uint64
lib.dsr_plan_batches.restype = ct.c_uint32
lib.dsr_report_count.restype = lib.dsr_error_retry_after_ms.restype = I64


class Refused(Exception):
    def __init__(self, status, after_ms, message, hint):
        super().__init__(message)
        self.retry_after = after_ms / 1000
        self.kind = "".join(w.capitalize() for w in status.removeprefix("DSR_").split("_"))
        self.hint = hint


def call(name, *arguments):
    """Calls a function; raises what `err` holds. Gives the status."""
    err = P()
    status = getattr(lib, f"dsr_{name}")(*arguments, ct.byref(err))
    if status in (OK, NO_EVENT, END):
        return status
    texts = [getattr(lib, f"dsr_{what}")(err).decode() for what in ("error_message", "error_hint")]
    after_ms = lib.dsr_error_retry_after_ms(err)
    lib.dsr_error_free(err)
    raise Refused(lib.dsr_status_name(status).decode(), after_ms, *texts)


def made(name, *arguments):
    """Calls a function that has one output."""
    out = P()
    call(name, *arguments, ct.byref(out))
    return out


def text(name, handle):
    return getattr(lib, f"dsr_{name}")(handle).decode()


def owned(name, handle):
    out = made(name, handle)
    value = ct.string_at(out).decode()
    lib.dsr_string_free(out)
    return json.loads(value)


class Ended:
    error = report = batches = job_id = job_status = out = status = None
    started = link = warning = False
    records = []
    ledger, summary = [], {}

    def __init__(self):
        self.events = []
        self.outcomes = {}


def given(table):
    """The ids of a case that are not a file."""
    if "ids" in table:
        return list(table["ids"])
    if "count" in table:
        return [f"{table.get('prefix', '')}{number}" for number in range(table["count"])]
    return None


def array(ids):
    """The (pointer, length) form, since a case's ids may hold NUL."""
    blocks = [one.encode() for one in ids]
    return (TEXT * len(ids))(*blocks), (ct.c_size_t * len(ids))(*map(len, blocks)), ct.c_size_t(len(ids))


def file(table, place):
    if "file" in table:
        return FIXTURES / table["file"]
    path = place / table["file_name"]
    path.write_bytes(bytes.fromhex(table["bytes_hex"]) if "bytes_hex" in table else table["text"].encode())
    return path


def settings(table):
    handle = made("settings_new")
    for name, value in table.items():
        if name == "on_ambiguous":
            number = {"resolve": 0, "resubmit": 1, "hold": 2}[value]
            call("settings_set_on_ambiguous", handle, ct.c_int(number))
        elif name == "max_ids_per_deletion_plan":
            call(f"settings_set_{name}", handle, ct.c_uint64(value))
        else:
            call(f"settings_set_{name}_ms", handle, I64(round(value * 1000)))
    return handle


def client(case, sandbox, place, version=None):
    """The case's client, or one of another version of the API for what comes before it."""
    own = case.get("mixpanel", {}) | ({"api_version": version} if version else {})
    secrets = own.get("archive_secrets")
    project = made("sandbox_mixpanel" if secrets is None else "sandbox_project", sandbox)
    for secret in secrets or []:
        call("mixpanel_add_archive_secret", project, secret.encode())
    if "api_version" in own:
        call("mixpanel_set_api_version", project, own["api_version"].encode())
    if "data_groups" in own:
        call("mixpanel_set_data_groups", project, ct.c_uint32(own["data_groups"]))
    if "subject_request_ids" in own:
        call("mixpanel_set_subject_request_ids", project, ct.c_bool(own["subject_request_ids"]))
    limits = settings(case.get("settings", {}))
    try:
        journal = place / f"dsr{version or ''}.sqlite3"
        return made("client_new", project, limits, str(journal).encode())
    finally:
        lib.dsr_settings_free(limits)
        lib.dsr_mixpanel_free(project)


def one_call(c, table, ended, before=None):
    operation = table["operation"]
    task = table.get("task_id")
    if task == "before":
        task = before.job_id
    if operation.startswith("cancel_"):
        call(f"client_{operation}", c, task.encode())
        return
    if operation.endswith("_flow"):
        more = ct.c_int(0), ct.c_bool(table.get("wait", False))
        flow = made(f"client_{operation}_n", c, *array(given(table)), *more)
        ended.job_id, ended.job_status = text("flow_task_id", flow), text("flow_task_status", flow)
        ended.link = lib.dsr_flow_download_url(flow) is not None
        lib.dsr_flow_free(flow)
        return
    if operation.startswith("get_"):
        job = made(f"client_{operation}", c, task.encode())
    else:
        more = [ct.c_int(0)] * (2 if operation == "create_retrieval" else 1)
        job = made(f"client_{operation}_n", c, *array(given(table)), *more)
    ended.job_id, ended.job_status = text("job_id", job), text("job_status", job)
    lib.dsr_job_free(job)


def organisation(case, sandbox, place, ended):
    """Calls of Mixpeek, each by a client of its own; the last one counts."""
    order = case["mixpeek"]
    ended.started = True
    for _ in range(order.get("times", 1)):
        ended.error = None
        key = order.get("api_key")
        project = made("sandbox_mixpeek", sandbox, key and key.encode())
        limits = settings(case.get("settings", {}))
        c = made("mixpeek_client_new", project, limits, str(place / "mixpeek.sqlite3").encode())
        lib.dsr_settings_free(limits)
        lib.dsr_mixpeek_free(project)
        try:
            more = [order["confirm"].encode()] if "confirm" in order else []
            answer = made(f"mixpeek_client_{order['operation']}", c, *more)
            assert text("dsar_request_id", answer) and lib.dsr_dsar_n_categories(answer)
            ended.status = text("dsar_status", answer)
            ended.warning = lib.dsr_dsar_warning(answer) is not None
            lib.dsr_dsar_free(answer)
        except Refused as error:
            ended.error = error
        ended.records = [each["state"] for each in owned("mixpeek_client_requests", c)]
        lib.dsr_mixpeek_client_free(c)


def options(table):
    handle = made("plan_options_new")

    def give(name, value):
        call(f"plan_options_set_{name}", handle, value)

    for name, read in {
        "compliance_type": lambda word: ("compliance", ct.c_int(["GDPR", "CCPA"].index(word))),
        "disclosure_type": lambda word: (
            "disclosure",
            ct.c_int(1 + ["Data", "Categories", "Sources"].index(word)),
        ),
        "reference": lambda word: ("reference", word.encode()),
        "column": lambda word: ("column", word.encode()),
        "skip_bad": lambda yes: ("skip_bad", ct.c_bool(yes)),
        "allow_unusual": lambda yes: ("allow_unusual", ct.c_bool(yes)),
        "hold_for": lambda seconds: ("hold_for_ms", I64(round(seconds * 1000))),
    }.items():
        if name in table:
            give(*read(table[name]))
    return handle


def freeze(c, table, place):
    handle = options(table)
    ids = given(table)
    try:
        if ids is None:
            path = str(file(table, place)).encode()
            return made(f"client_plan_{table['kind']}_file", c, path, handle)
        return made(f"client_plan_{table['kind']}_n", c, *array(ids), handle)
    finally:
        lib.dsr_plan_options_free(handle)


def confirmation(table, plan):
    wanted = text("plan_confirm", plan)
    subjects = lib.dsr_plan_subjects(plan)
    return {
        "plan": wanted if table["kind"] == "deletion" else None,
        "none": None,
        "wrong-count": f"{subjects + 1}:{wanted[-8:]}",
        "wrong-digest": f"{subjects}:00000000",
    }[table.get("confirm", "plan")]


def account(ended, report):
    """Keeps a report, and compares what its getters say with its JSON."""
    ended.report = json.loads(text("report_json", report))
    for word, count in ended.report["counts"].items():
        assert lib.dsr_report_count(report, word.encode()) == count
    lib.dsr_report_free(report)


def follow(run, ended):
    """Reads the run's events to its end."""
    event = P()
    while (status := call("run_next_event", run, I64(PATIENCE_MS), ct.byref(event))) == OK:
        ended.events.append((text("event_kind", event), text("event_text", event)))
        lib.dsr_event_free(event)
    assert status == END, "did not end within a minute"


def count_outcomes(run, ended):
    outcome = P()
    while call("run_next_outcome", run, ct.byref(outcome)) == OK:
        word = text("outcome_word", outcome)
        ended.outcomes[word] = ended.outcomes.get(word, 0) + 1
        lib.dsr_outcome_free(outcome)


def whole_run(c, table, place, ended):
    plan = run = None
    try:
        plan = freeze(c, table, place)
        ended.batches = lib.dsr_plan_batches(plan)
        confirm = confirmation(table, plan)
        run = made("plan_start", plan, confirm and confirm.encode())
        ended.started = True
        try:
            follow(run, ended)
        finally:
            account(ended, made("run_report", run))
            count_outcomes(run, ended)
        if table.get("collect"):
            ended.out = place / "out"
            account(ended, made("run_collect", run, str(ended.out).encode(), None))
    finally:
        lib.dsr_run_free(run)
        lib.dsr_plan_free(plan)


def carry_out(case, place):
    ended = Ended()
    vendor = json.dumps(case.get("sandbox", {})).encode()
    sandbox = made("sandbox_new", vendor, ct.c_uint16(0), ct.c_double(0), None)
    if "faults" in case:
        call("sandbox_faults", sandbox, json.dumps(case["faults"]).encode())
    c = other = None
    try:
        c = client(case, sandbox, place)
        before = Ended()
        if "api_version" in case.get("before", {}):
            other = client(case, sandbox, place, case["before"]["api_version"])
        if "before" in case:
            one_call(other or c, case["before"], before)
        if "mixpeek" in case:
            organisation(case, sandbox, place, ended)
        elif "call" in case:
            ended.started = True
            one_call(c, case["call"], ended, before)
        else:
            whole_run(c, case["plan"], place, ended)
    except Refused as error:
        ended.error = error
    finally:
        lib.dsr_client_free(c)
        lib.dsr_client_free(other)
    ended.ledger = owned("sandbox_ledger", sandbox)
    ended.summary = owned("sandbox_summary", sandbox)
    lib.dsr_sandbox_free(sandbox)
    return ended


def main():
    part = sys.argv[2] if len(sys.argv) > 2 else ""
    passed = failed = 0
    for path in sorted(CASES.glob("*.toml")):
        if part not in path.stem:
            continue
        case = tomllib.loads(path.read_text())
        with tempfile.TemporaryDirectory() as place:
            place = pathlib.Path(place)
            problems = scenario_checks.compare(case, carry_out(case, place), place)
        passed += not problems
        failed += bool(problems)
        for problem in problems:
            print(f"{path.stem}: {problem}", file=sys.stderr)
    if not passed + failed:
        failed = 1
        print("no scenario was found", file=sys.stderr)
    print(f"scenarios (C): {passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
