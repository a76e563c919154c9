/* The main job against the simulated vendor in this process: a retrieval with its packages, a
 * deletion with its confirmation, and the vendor's own record of what it was sent. */
#include <stdlib.h>

#include "check.h"

enum { FRIENDS = 25, LEAVERS = 3000, TEXT = 24 };

static char texts[LEAVERS][TEXT];
static const char *ids[LEAVERS];

static void name_people(const char *prefix, int n) {
    for (int i = 0; i < n; i++) {
        snprintf(texts[i], TEXT, "%s-%d", prefix, i);
        ids[i] = texts[i];
    }
}

static int times(const char *text, const char *part) {
    int n = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part)) n++;
    return n;
}

static void retrieval(dsr_client *c, const char *folder) {
    dsr_plan *p = NULL;
    dsr_run *r = NULL;
    dsr_event *e = NULL;
    dsr_outcome *o = NULL;
    dsr_report *rep = NULL;
    dsr_error *err = NULL;
    int events = 0, done = 0;

    name_people("friend", FRIENDS);
    GIVES(DSR_OK, dsr_client_plan_retrieval(c, ids, FRIENDS, NULL, &p, &err));
    CHECK(dsr_plan_subjects(p) == FRIENDS);
    GIVES(DSR_OK, dsr_plan_start(p, NULL, &r, &err));
    dsr_status status;
    while ((status = dsr_run_next_event(r, 60000, &e, &err)) == DSR_OK) {
        printf("  %-10s %s\n", dsr_event_kind(e), dsr_event_text(e));
        events++;
        dsr_event_free(e);
    }
    CHECK(status == DSR_END && err == NULL);
    CHECK(events > 2);
    dsr_collect_options *packing = NULL;
    GIVES(DSR_OK, dsr_collect_options_new(&packing, &err));
    GIVES(DSR_OK, dsr_collect_options_set_language(packing, "tlh", &err));
    CHECK(dsr_run_collect(r, folder, packing, &rep, &err) == DSR_INVALID_INPUT);
    dsr_error_free(err);
    err = NULL;
    GIVES(DSR_OK, dsr_collect_options_set_language(packing, "fr", &err));
    GIVES(DSR_OK, dsr_collect_options_set_timezone(packing, "Europe/Paris", &err));
    GIVES(DSR_OK, dsr_collect_options_set_html(packing, true, &err));
    GIVES(DSR_OK, dsr_run_collect(r, folder, packing, &rep, &err));
    CHECK(strstr(dsr_report_json(rep), "\"missing_texts\":[\"purposes\"") != NULL);
    dsr_collect_options_free(packing);
    CHECK(dsr_report_n_missing_texts(rep) == 8);
    CHECK(strcmp(dsr_report_missing_text(rep, 0), "purposes") == 0);
    CHECK(dsr_report_missing_text(rep, 8) == NULL);
    CHECK(strcmp(dsr_report_state(rep), "finished") == 0);
    CHECK(dsr_report_count(rep, "done") == FRIENDS);
    CHECK(dsr_report_count(rep, "dnoe") == -1);
    CHECK(dsr_report_n_problems(rep) == 0);
    CHECK(dsr_report_packages(rep) && strcmp(dsr_report_packages(rep), folder) == 0);
    printf("retrieval: %lld packages in %s\n", (long long)dsr_report_count(rep, "done"),
           dsr_report_packages(rep));
    while (dsr_run_next_outcome(r, &o, &err) == DSR_OK) {
        done += strcmp(dsr_outcome_word(o), "done") == 0 && strncmp(dsr_outcome_id(o), "friend-", 7) == 0;
        CHECK(strncmp(dsr_outcome_package(o), folder, strlen(folder)) == 0);
        dsr_outcome_free(o);
    }
    CHECK(done == FRIENDS);
    dsr_report_free(rep);
    dsr_run_free(r);
    dsr_plan_free(p);
}

static void deletion(dsr_client *c) {
    dsr_plan *p = NULL;
    dsr_plan_options *options = NULL;
    dsr_run *r = NULL, *again = NULL;
    dsr_report *rep = NULL;
    dsr_error *err = NULL;
    const char *state = NULL;

    name_people("leaver", LEAVERS);
    GIVES(DSR_OK, dsr_plan_options_new(&options, &err));
    GIVES(DSR_OK, dsr_plan_options_set_reference(options, "DSR-2026-0042", &err));
    GIVES(DSR_OK, dsr_client_plan_deletion(c, ids, LEAVERS, options, &p, &err));
    CHECK(dsr_plan_batches(p) == 2);
    printf("deletion: %s; confirm %s\n", dsr_plan_estimate(p), dsr_plan_confirm(p));

    GIVES(DSR_NOT_CONFIRMED, dsr_plan_start(p, NULL, &r, &err));
    GIVES(DSR_NOT_CONFIRMED, dsr_plan_start(p, "3000:00000000", &r, &err));
    CHECK(r == NULL);
    GIVES(DSR_OK, dsr_plan_start(p, dsr_plan_confirm(p), &r, &err));
    GIVES(DSR_OK, dsr_run_wait(r, 60000, &rep, &err));
    CHECK(dsr_report_count(rep, "done") == LEAVERS);
    CHECK(dsr_report_subjects(rep) == LEAVERS && dsr_report_n_jobs(rep) == 2);
    CHECK(strstr(dsr_report_json(rep), "DSR-2026-0042") != NULL);
    printf("deletion: %lld of %llu done\n", (long long)dsr_report_count(rep, "done"),
           (unsigned long long)dsr_report_subjects(rep));

    GIVES(DSR_OK, dsr_client_run(c, dsr_run_id(r), &again, &err));
    GIVES(DSR_OK, dsr_run_state(again, &state, &err));
    CHECK(strcmp(state, "finished") == 0);
    dsr_run_free(again);
    dsr_report_free(rep);
    dsr_run_free(r);
    dsr_plan_free(p);
    dsr_plan_options_free(options);
}

static void ledger(dsr_sandbox *sb) {
    dsr_error *err = NULL;
    char *json = NULL, quoted[TEXT + 2];
    int once = 0;

    GIVES(DSR_OK, dsr_sandbox_ledger(sb, &json, &err));
    for (int i = 0; i < LEAVERS; i++) {
        snprintf(quoted, sizeof quoted, "\"%s\"", texts[i]);
        once += times(json, quoted) == 1;
    }
    CHECK(once == LEAVERS);
    CHECK(times(json, "\"create_deletion\"") == 2);
    CHECK(times(json, "\"create_retrieval\"") == 1);
    printf("ledger: each of %d ids reached the vendor once\n", once);
    dsr_string_free(json);
}

int main(int argc, char **argv) {
    char journal[512], packages[512];
    dsr_sandbox *sb = NULL;
    dsr_mixpanel *mp = NULL;
    dsr_client *c = NULL;
    dsr_error *err = NULL;
    int64_t next = 0;

    if (argc != 2) return 2;
    snprintf(journal, sizeof journal, "%s/dsr.sqlite3", argv[1]);
    snprintf(packages, sizeof packages, "%s/out", argv[1]);
    CHECK(strcmp(dsr_version(), DSR_VERSION) == 0);
    CHECK(dsr_abi_version() == DSR_ABI_VERSION);
    GIVES(DSR_OK, dsr_sandbox_new(NULL, 0, 0, NULL, &sb, &err));
    GIVES(DSR_OK, dsr_sandbox_mixpanel(sb, &mp, &err));
    GIVES(DSR_OK, dsr_client_new(mp, NULL, journal, &c, &err));
    retrieval(c, packages);
    deletion(c);
    GIVES(DSR_OK, dsr_client_tick(c, &next, &err));
    CHECK(next == -1);
    ledger(sb);
    dsr_client_free(c);
    dsr_mixpanel_free(mp);
    dsr_sandbox_free(sb);
    return closing_line("main_job (C)");
}
