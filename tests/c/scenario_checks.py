"""The expectations of a scenario, compared with what it ended with. See tests/scenarios/README.md."""

import collections
import re

SECRETS = ("sk_sandbox-mixpeek", "sandbox-project-token", "sandbox-oauth-token", "sandbox-archive-secret", "sig=")


def given(case):
    """The ids that a case gives as a list or a counted row; None for a file."""
    table = case.get("plan") or case.get("call", {})
    if "ids" in table:
        return set(table["ids"])
    if "count" in table:
        return {f"{table.get('prefix', '')}{number}" for number in range(table["count"])}
    return None


def compare(case, ended, place):
    problems = []

    def same(what, found, wanted):
        if found != wanted:
            problems.append(f"{what}: {found!r}, expected {wanted!r}")

    def hold(what, holds):
        if not holds:
            problems.append(what)

    expect = case.get("expect", {})
    error(expect, ended, same, hold)
    course(expect, ended, same, hold)
    report(expect, ended, same, hold)
    vendor(case, expect, ended, same, hold)
    secrets(ended, place, hold)
    return problems


def secrets(ended, place, hold):
    """No secret in anything said or left behind; no person in anything said."""
    said = f"{ended.error} {getattr(ended.error, 'hint', '')} {ended.events} {ended.report}"
    people = {one for entry in ended.ledger for one in (entry["ids"] or [])[:3]}
    people = {one for one in people if len(one) >= 6 and re.search(r"\d", one)}
    for canary in (*SECRETS, *people):
        hold(f"something says {canary!r}", canary not in said)
    for path in place.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for secret in SECRETS:
            hold(f"{secret!r} is in {path.name}", secret.encode() not in content)


def error(expect, ended, same, hold):
    same("error", ended.error and ended.error.kind, expect.get("error"))
    said = str(ended.error or "")
    if "retry_after" in expect:
        same("retry_after", ended.error and ended.error.retry_after, expect["retry_after"])
    for part in expect.get("error_says", []):
        hold(f"the error does not say {part!r}: {said}", part in said)
    everything = said + getattr(ended.error, "hint", "") + repr(ended.events)
    everything += repr((ended.report or {}).get("problems"))
    for part in expect.get("never_says", []):
        hold(f"something says {part!r}", part not in everything)


def course(expect, ended, same, hold):
    if "job_status" in expect:
        same("job_status", ended.job_status, expect["job_status"])
    for key in ("link", "records", "status", "warning"):
        if key in expect:
            same(key, getattr(ended, key), expect[key])
    if "batches" in expect:
        same("batches", ended.batches, expect["batches"])
    if "packages" in expect:
        folder = ended.out / "subjects" if ended.out else None
        found = len(list(folder.iterdir())) if folder and folder.is_dir() else 0
        same("packages", found, expect["packages"])
    kinds = {kind for kind, _ in ended.events}
    for kind in expect.get("events", []):
        hold(f"no event {kind!r} among {sorted(kinds)}", kind in kinds)
    for part in expect.get("warning_says", []):
        told = any(kind == "planned" and part in text for kind, text in ended.events)
        hold(f"no warning says {part!r}", told)


def report(expect, ended, same, hold):
    found = ended.report
    if found is None:
        for key in ("state", "counts", "problems", "ambiguous"):
            hold(f"no report to compare {key} with", key not in expect)
        return
    same("the counts' sum", sum(found["counts"].values()), found["subjects"])
    same("the outcomes one by one", ended.outcomes, {w: n for w, n in found["counts"].items() if n})
    if "counts" in expect:
        same("counts", found["counts"], expect["counts"])
    if "state" in expect:
        same("state", found["state"], expect["state"])
    for key, count in {
        "duplicates": found["duplicates"],
        "refused": found["refused"]["total"],
        "jobs": len(found["jobs"]),
        "ambiguous": len(found["ambiguous"]),
        "problems": [problem["kind"] for problem in found["problems"]],
    }.items():
        if key in expect:
            same(key, count, expect[key])
    for part in expect.get("problem_says", []):
        told = any(part in problem["message"] for problem in found["problems"])
        hold(f"no problem says {part!r}", told)


def vendor(case, expect, ended, same, hold):
    calls, times = collections.Counter(), collections.Counter()
    for entry in ended.ledger:
        calls[entry["operation"]] += 1
        if entry["processed"] and entry["operation"].startswith("create_"):
            times.update(entry["ids"])
    if "calls" in expect:
        if not expect["calls"]:
            same("calls", dict(calls), {})
        for operation, count in expect["calls"].items():
            same(f"calls of {operation}", calls[operation], count)
    for operation, most in expect.get("calls_at_most", {}).items():
        hold(f"{calls[operation]} calls of {operation}, at most {most}", calls[operation] <= most)
    paths = [entry["path"] for entry in ended.ledger if entry["host"] == "api"]
    hold("a path of another kind", all(expect.get("paths_have", "") in path for path in paths))
    part = expect.get("last_path_has", "")
    hold(f"the last path does not have {part!r}", not paths or part in paths[-1])
    end = expect.get("last_path_ends", "")
    hold(f"the last path does not end with {end!r}", not paths or paths[-1].endswith(end))
    hold("requests before the start", ended.started or not ended.ledger)
    gap = ended.summary["min_gap_ms"]
    hold(f"calls only {gap} ms apart", gap is None or gap >= 1000)
    same("archive requests with credentials", ended.summary["store_requests_with_credentials"], 0)
    most = max(times.values(), default=0)
    if "max_per_id" in expect:
        same("the most creates of one id", most, expect["max_per_id"])
    else:
        hold(f"an id was in {most} creates", most <= 1)
    ids = given(case)
    if ids is not None:
        same("ids nobody gave", len(times.keys() - ids - set(expect.get("extra_ids", ()))), 0)
    if expect.get("ids_once"):
        hold("not every id was sent exactly once", ids == set(times) and most == 1)
    if "ids" in expect:
        same("ids sent", set(times), set(expect["ids"]))
