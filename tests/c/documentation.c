/* The C of README.md and docs/C.md, line by line as it stands there, on the simulated vendor;
 * tests/python/test_docs.py keeps them the same. */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <stdlib.h>

#include "check.h"

static dsr_sandbox *vendor;
static int events, told;

/* What reads as a real project is the simulated one. */
#define dsr_mixpanel_new(project_token, oauth_token, mp, err) dsr_sandbox_mixpanel(vendor, mp, err)
#define puts(text) (events++, puts(text))
#define printf (told++, printf)

static int fail(dsr_error *err) {
    fprintf(stderr, "%s\n%s\n", dsr_error_message(err), dsr_error_hint(err));
    dsr_error_free(err);
    return 1;
}

static int readme(void) {
    const char *ids[] = {"user-1", "user-2"};
    size_t n_ids = 2;
    dsr_mixpanel *mp = NULL;
    dsr_client *c = NULL;
    dsr_plan *p = NULL;
    dsr_run *r = NULL;
    dsr_event *e = NULL;
    dsr_report *rep = NULL;
    dsr_error *err = NULL;
    /* README.md */
    if (dsr_mixpanel_new("PROJECT_TOKEN", "OAUTH_TOKEN", &mp, &err) ||
        dsr_client_new(mp, NULL, "dsr.sqlite3", &c, &err) ||
        dsr_client_plan_deletion(c, ids, n_ids, NULL, &p, &err) ||
        dsr_plan_start(p, dsr_plan_confirm(p), &r, &err))
        return fail(err); /* dsr_error_message(err), dsr_error_hint(err) */
    while (dsr_run_next_event(r, -1, &e, &err) == DSR_OK) { /* DSR_END: over; else err says why */
        if (strcmp(dsr_event_kind(e), "waiting")) puts(dsr_event_text(e)); /* not every look at the vendor */
        dsr_event_free(e);
    }
    if (!err && dsr_run_report(r, &rep, &err) == DSR_OK)
        printf("%lld erased\n", (long long)dsr_report_count(rep, "done"));
    /* END */
    CHECK(err == NULL && events > 2 && told == 1 && dsr_report_count(rep, "done") == 2);
    dsr_report_free(rep);
    dsr_run_free(r);
    dsr_plan_free(p);
    dsr_client_free(c);
    dsr_mixpanel_free(mp);
    return 0;
}

static void loop(void) {
    const char *ids[] = {"user-3"};
    dsr_mixpanel *mp = NULL;
    dsr_client *c = NULL;
    dsr_plan *p = NULL;
    dsr_run *run = NULL;
    dsr_event *e = NULL;
    dsr_error *err = NULL;
    dsr_status status;
    GIVES(DSR_OK, dsr_mixpanel_new("PROJECT_TOKEN", "OAUTH_TOKEN", &mp, &err));
    GIVES(DSR_OK, dsr_client_new(mp, NULL, ":memory:", &c, &err));
    GIVES(DSR_OK, dsr_client_plan_deletion(c, ids, 1, NULL, &p, &err));
    GIVES(DSR_OK, dsr_plan_start(p, dsr_plan_confirm(p), &run, &err));
    events = 0;
    /* docs/C.md */
    struct pollfd watched = {.fd = -1, .events = POLLIN};  /* one of those that the program watches */
    dsr_run_fd(run, &watched.fd, &err);                    /* the client's thread drives the run from here on */
    for (;;) {
        poll(&watched, 1, -1);
        while ((status = dsr_run_next_event(run, 0, &e, &err)) == DSR_OK) {
            if (strcmp(dsr_event_kind(e), "waiting")) puts(dsr_event_text(e));
            dsr_event_free(e);
        }
        if (status != DSR_NO_EVENT) break;                 /* DSR_END, or an error */
    }
    /* END */
    CHECK(status == DSR_END && err == NULL && events > 2);
    dsr_run_free(run);
    dsr_plan_free(p);
    dsr_client_free(c);
    dsr_mixpanel_free(mp);
}

int main(void) {
    dsr_error *err = NULL;
    GIVES(DSR_OK, dsr_sandbox_new(NULL, 0, 0, NULL, &vendor, &err));
    CHECK(readme() == 0);
    loop();
    dsr_sandbox_free(vendor);
#undef printf
    return closing_line("documentation");
}
