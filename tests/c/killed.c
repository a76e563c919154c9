/* A deletion from where it is to its end, on a vendor that remembers: killed.py kills it again and
 * again. The line before the last of a run that ends well is "whole". */
#include <stdlib.h>

#include "check.h"

enum { PEOPLE = 9000, TEXT = 24, PLACE = 4096 };

static char texts[PEOPLE][TEXT];
static const char *ids[PEOPLE];

/* The run that is there already, started or not; else a new one. */
static void find(dsr_client *c, dsr_run **r) {
    dsr_plan *p = NULL;
    dsr_error *err = NULL;
    char *runs = NULL, *id;
    GIVES(DSR_OK, dsr_client_runs(c, &runs, &err));
    if ((id = runs ? strstr(runs, "\"id\":\"") : NULL)) {
        id += 6;
        id[strcspn(id, "\"")] = 0;
        GIVES(DSR_OK, dsr_client_run(c, id, r, &err));
        GIVES(DSR_OK, dsr_run_plan(*r, &p, &err));
        dsr_run_free(*r);
        *r = NULL;
    } else {
        GIVES(DSR_OK, dsr_client_plan_deletion(c, ids, PEOPLE, NULL, &p, &err));
    }
    GIVES(DSR_OK, dsr_plan_start(p, dsr_plan_confirm(p), r, &err));
    dsr_plan_free(p);
    dsr_string_free(runs);
}

int main(int argc, char **argv) {
    dsr_sandbox *sb = NULL;
    dsr_mixpanel *mp = NULL;
    dsr_client *c = NULL;
    dsr_run *r = NULL;
    dsr_report *rep = NULL;
    dsr_error *err = NULL;
    char state[PLACE], journal[PLACE], *summary = NULL;
    uint64_t events = 0;

    if (argc != 2) return 2;
    snprintf(state, PLACE, "%s/vendor.state", argv[1]);
    snprintf(journal, PLACE, "%s/dsr.sqlite3", argv[1]);
    for (int i = 0; i < PEOPLE; i++) {
        snprintf(texts[i], TEXT, "leaver-%d", i);
        ids[i] = texts[i];
    }
    GIVES(DSR_OK, dsr_sandbox_new(NULL, 0, 0, state, &sb, &err));
    GIVES(DSR_OK, dsr_sandbox_mixpanel(sb, &mp, &err));
    GIVES(DSR_OK, dsr_client_new(mp, NULL, journal, &c, &err));
    if (failed) return 1;
    find(c, &r);
    GIVES(DSR_OK, dsr_run_wait(r, -1, &rep, &err));
    CHECK(dsr_report_count(rep, "done") == PEOPLE);
    GIVES(DSR_OK, dsr_client_verify_journal(c, &events, &err));
    GIVES(DSR_OK, dsr_sandbox_summary(sb, &summary, &err));
    CHECK(summary && strstr(summary, "\"max_per_id\":1,"));
    CHECK(summary && strstr(summary, "\"create_deletion\":9000"));
    char *gap = summary ? strstr(summary, "\"min_gap_ms\":") : NULL;
    CHECK(gap && atol(gap + 13) >= 1000);
    if (!failed) puts("whole");
    dsr_string_free(summary);
    dsr_report_free(rep);
    dsr_run_free(r);
    dsr_client_free(c);
    dsr_mixpanel_free(mp);
    dsr_sandbox_free(sb);
    return closing_line("killed");
}
