/* Runs that do not go smoothly, and everything that is told of them: lost answers, batches that wait
 * for a person, cancelled tasks, packages, files, what the journal keeps. */
#include "check.h"

static dsr_error *err;
static dsr_sandbox *sb;
static const char *const IDS[] = {"user-1", "user-2", "user, \"3\""};
static const char *const LEAVERS[] = {"leaver-1", "leaver-2", "leaver-3"};

static dsr_client *client_with(const char *journal, int policy) {
    dsr_mixpanel *mp = NULL;
    dsr_settings *settings = NULL;
    dsr_client *c = NULL;
    GIVES(DSR_OK, dsr_sandbox_mixpanel(sb, &mp, &err));
    GIVES(DSR_OK, dsr_settings_new(&settings, &err));
    GIVES(DSR_OK, dsr_settings_set_on_ambiguous(settings, policy, &err));
    GIVES(DSR_OK, dsr_settings_set_keep_deleted_for_ms(settings, 86400000, &err));
    GIVES(DSR_OK, dsr_client_new(mp, settings, journal, &c, &err));
    dsr_settings_free(settings);
    dsr_mixpanel_free(mp);
    return c;
}

static int file_has(const char *path, const char *part) {
    char text[8192];
    FILE *file = fopen(path, "rb");
    const size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file) fclose(file);
    text[n] = 0;
    return strstr(text, part) != NULL;
}

/* A lost answer, held by choice, then sent again by a person's word. */
static void held(const char *journal) {
    dsr_client *c = client_with(journal, DSR_HOLD);
    dsr_run *r = NULL;
    dsr_report *rep = NULL, *nothing = NULL;
    const char *state = NULL;
    uint64_t people = 0;

    GIVES(DSR_NOT_CONFIRMED, dsr_client_delete(c, IDS, 3, 2, NULL, &r, &err));
    GIVES(DSR_OK, dsr_sandbox_faults(sb, "[{\"on\": \"create_deletion\", \"nth\": 1, \"kind\": \"drop_before\"}]", &err));
    GIVES(DSR_OK, dsr_client_delete(c, IDS, 3, 3, NULL, &r, &err));
    GIVES(DSR_OK, dsr_run_wait(r, -1, &rep, &err));
    CHECK(dsr_run_decide(r, 7, "give_up", NULL, 0, &nothing, &err) == DSR_NOT_FOUND && dsr_error_n_context(err) == 1);
    CHECK(strcmp(dsr_error_context_name(err, 0), "batch") == 0 && strcmp(dsr_error_context_value(err, 0), "7") == 0);
    CHECK(dsr_error_context_name(err, 1) == NULL && nothing == NULL);
    dsr_error_free(err);
    err = NULL;
    CHECK(strcmp(dsr_report_state(rep), "held") == 0 && strcmp(dsr_report_kind(rep), "deletion") == 0);
    CHECK(dsr_report_n_ambiguous(rep) == 1 && dsr_report_ambiguous_batch(rep, 0) == 0);
    CHECK(dsr_report_ambiguous_attempt(rep, 0) == 1 && dsr_report_ambiguous_sent_at_ms(rep, 0) > 0);
    CHECK(*dsr_report_ambiguous_seen(rep, 0) && dsr_report_ambiguous_attempt(rep, 1) == -1);
    CHECK(dsr_report_n_problems(rep) == 1 && dsr_report_problem_batch(rep, 0) == 0 && dsr_report_problem_ids(rep, 0) == 3);
    CHECK(*dsr_report_problem_kind(rep, 0) && *dsr_report_problem_message(rep, 0) && *dsr_report_problem_hint(rep, 0));
    CHECK(dsr_report_count(rep, "held") == 3 && dsr_report_at_ms(rep) > 0 && dsr_report_purged_at_ms(rep) == -1);
    CHECK(strcmp(dsr_report_run_id(rep), dsr_run_id(r)) == 0 && strstr(dsr_report_text(rep), "decision") != NULL);
    dsr_report_free(rep);
    GIVES(DSR_NOT_CONFIRMED, dsr_run_decide(r, 0, "send_again", NULL, 2, &rep, &err));
    GIVES(DSR_OK, dsr_run_decide(r, 0, "send_again", NULL, 3, &rep, &err));
    dsr_report_free(rep);
    GIVES(DSR_OK, dsr_run_wait(r, -1, &rep, &err));
    CHECK(dsr_report_count(rep, "done") == 3 && dsr_report_n_jobs(rep) == 1 && dsr_report_job_ids(rep, 0) == 3);
    CHECK(*dsr_report_job_task_id(rep, 0) && strcmp(dsr_report_job_status(rep, 0), "SUCCESS") == 0);
    CHECK(strcmp(dsr_report_job_origin(rep, 0), "created") == 0 && dsr_report_job_polls(rep, 0) > 0);
    dsr_report_free(rep);
    GIVES(DSR_OK, dsr_run_state(r, &state, &err));
    GIVES(DSR_OK, dsr_run_count(r, "done", &people, &err));
    CHECK(strcmp(state, "finished") == 0 && people == 3 && strcmp(dsr_run_kind(r), "deletion") == 0);
    dsr_run_free(r);
    dsr_client_free(c);
}

/* A task that the vendor ends badly is a problem that names it; one that is cancelled says so. */
static void ended_otherwise(const char *journal) {
    dsr_client *c = client_with(journal, DSR_RESOLVE);
    dsr_plan *p = NULL;
    dsr_run *r = NULL;
    dsr_report *rep = NULL;
    dsr_event *e = NULL;
    dsr_outcome *o = NULL;
    const char *reason = NULL;
    char *json = NULL;
    int64_t due = 0;

    GIVES(DSR_OK, dsr_sandbox_faults(sb, "[{\"on\": \"get_deletion\", \"nth\": 1, \"kind\": \"status_word\", \"word\": \"FAILURE\"}]", &err));
    GIVES(DSR_OK, dsr_client_plan_deletion_n(c, IDS, (const size_t[]){6, 6}, 2, NULL, &p, &err));
    GIVES(DSR_OK, dsr_plan_start(p, dsr_plan_confirm(p), &r, &err));
    GIVES(DSR_OK, dsr_run_next_due_ms(r, &due, &err));
    CHECK(due > 0 && *dsr_plan_estimate(p));
    GIVES(DSR_OK, dsr_run_wait(r, -1, &rep, &err));
    CHECK(dsr_report_n_problems(rep) == 1 && *dsr_report_problem_task_id(rep, 0));
    dsr_report_free(rep);
    dsr_run_free(r);
    dsr_plan_free(p);

    GIVES(DSR_OK, dsr_client_delete_n(c, LEAVERS, (const size_t[]){8, 8, 8}, 3, 3, NULL, &r, &err));
    do {
        GIVES(DSR_OK, dsr_run_next_event(r, -1, &e, &err));
        due = strcmp(dsr_event_kind(e), "submitted");
        if (!due) CHECK(dsr_event_batch(e) == 0 && *dsr_event_task_id(e) && dsr_event_at_ms(e) > 0);
        CHECK(strcmp(dsr_event_run_id(e), dsr_run_id(r)) == 0);
        dsr_event_free(e);
    } while (due);
    GIVES(DSR_OK, dsr_run_waiting_for(r, &reason, &err));
    CHECK(reason && strcmp(reason, "poll") == 0);
    GIVES(DSR_OK, dsr_run_jobs(r, &json, &err));
    CHECK(strstr(json, "PENDING") != NULL);
    dsr_string_free(json);
    /* What is recorded is read without driving. */
    uint64_t seq = 0, events = 0;
    dsr_status status;
    while ((status = dsr_run_event_after(r, seq, &e, &err)) == DSR_OK) {
        CHECK(dsr_event_seq(e) > seq && *dsr_event_text(e));
        seq = dsr_event_seq(e);
        events++;
        dsr_event_free(e);
    }
    CHECK(status == DSR_END && !err && events >= 3);
    GIVES(DSR_OK, dsr_run_cancel(r, &rep, &err));
    CHECK(dsr_report_count(rep, "revoked") == 3 && *dsr_report_job_cancel(rep, 0));
    dsr_report_free(rep);
    GIVES(DSR_OK, dsr_run_next_outcome(r, &o, &err));
    CHECK(strcmp(dsr_outcome_id(o), "leaver-1") == 0 && strcmp(dsr_outcome_word(o), "revoked") == 0);
    CHECK(dsr_outcome_batch(o) == 0 && *dsr_outcome_task_id(o));
    dsr_outcome_free(o);
    dsr_run_free(r);
    GIVES(DSR_OK, dsr_client_drift(c, &json, &err));
    CHECK(strstr(json, "\"shape\"") != NULL);
    dsr_string_free(json);
    dsr_client_free(c);
}

static void packages(const char *journal, const char *place) {
    char folder[512], table[512];
    dsr_client *c = client_with(journal, DSR_RESOLVE);
    dsr_collect_options *options = NULL;
    dsr_run *r = NULL;
    dsr_report *rep = NULL;
    dsr_outcome *o = NULL;
    char *json = NULL;
    uint64_t gone = 0, events = 0;

    snprintf(folder, sizeof folder, "%s/out", place);
    GIVES(DSR_OK, dsr_client_retrieve_n(c, IDS, (const size_t[]){6, 6}, 2, NULL, &r, &err));
    dsr_run_free(r);
    GIVES(DSR_OK, dsr_client_retrieve(c, IDS, 3, NULL, &r, &err));
    GIVES(DSR_OK, dsr_run_wait(r, -1, &rep, &err));
    dsr_report_free(rep);
    GIVES(DSR_OK, dsr_collect_options_new(&options, &err));
    GIVES(DSR_OK, dsr_collect_options_set_html(options, true, &err));
    GIVES(DSR_OK, dsr_collect_options_set_raw(options, true, &err));
    GIVES(DSR_OK, dsr_collect_options_set_allow_plain(options, false, &err));
    GIVES(DSR_OK, dsr_collect_options_add_secret(options, "another secret", &err));
    GIVES(DSR_OK, dsr_collect_options_set_timezone(options, "Europe/Paris", &err));
    GIVES(DSR_OK, dsr_collect_options_set_language(options, "en", &err));
    GIVES(DSR_OK, dsr_collect_options_set_protect(options, "a long passphrase", &err));
    GIVES(DSR_OK, dsr_collect_options_set_templates(options, place, &err));
    GIVES(DSR_OK, dsr_run_collect(r, folder, options, &rep, &err));
    CHECK(strcmp(dsr_report_packages(rep), folder) == 0 && dsr_report_n_missing_texts(rep) > 0);
    CHECK(*dsr_report_missing_text(rep, 0) && dsr_report_subjects(rep) == 3 && *dsr_report_json(rep) == '{');
    dsr_report_free(rep);
    dsr_collect_options_free(options);
    GIVES(DSR_OK, dsr_run_next_outcome(r, &o, &err));
    CHECK(strncmp(dsr_outcome_package(o), folder, strlen(folder)) == 0);
    dsr_outcome_free(o);

    snprintf(table, sizeof table, "%s/outcomes.csv", place);
    GIVES(DSR_OK, dsr_run_outcomes_csv(r, table, &err));
    CHECK(file_has(table, "id,outcome,batch,task_id,package\r\nuser-1,done,0,"));
    CHECK(file_has(table, "\r\n\"user, \"\"3\"\"\",done,0,"));
    snprintf(table, sizeof table, "%s/events.csv", place);
    GIVES(DSR_OK, dsr_run_events_csv(r, table, &err));
    CHECK(file_has(table, "seq,at,kind,batch,task_id,text\r\n") && file_has(table, "+00:00,submitted,0,"));
    GIVES(DSR_IO, dsr_run_events_csv(r, "no/such/folder/events.csv", &err));

    GIVES(DSR_OK, dsr_client_seal(c, dsr_run_id(r), &gone, &err));
    GIVES(DSR_OK, dsr_client_was_processed(c, "user-1", &json, &err));
    CHECK(gone == 3 && strstr(json, dsr_run_id(r)) != NULL);
    dsr_string_free(json);
    GIVES(DSR_OK, dsr_client_verify_journal(c, &events, &err));
    CHECK(events > 10);
    GIVES(DSR_OK, dsr_sandbox_advance_ms(sb, 60000, &err));
    GIVES(DSR_OK, dsr_client_purge(c, 1, &json, &err));
    CHECK(strstr(json, dsr_run_id(r)) != NULL);
    dsr_string_free(json);
    GIVES(DSR_OK, dsr_run_report(r, &rep, &err));
    CHECK(dsr_report_purged_at_ms(rep) > 0);
    dsr_report_free(rep);
    dsr_run_free(r);
    dsr_client_free(c);
}

static void vendor(void) {
    dsr_mixpanel *mp = NULL;
    char *json = NULL;
    CHECK(strncmp(dsr_sandbox_base_url(sb), "http://127.0.0.1:", 17) == 0);
    CHECK(strncmp(dsr_sandbox_archive_base_url(sb), "http://127.0.0.1:", 17) == 0);
    GIVES(DSR_OK, dsr_sandbox_project(sb, &mp, &err));
    dsr_mixpanel_free(mp);
    GIVES(DSR_OK, dsr_sandbox_summary(sb, &json, &err));
    CHECK(strstr(json, "\"max_per_id\":") != NULL);
    dsr_string_free(json);
    GIVES(DSR_OK, dsr_sandbox_credentials(sb, &json, &err));
    CHECK(strstr(json, "base_url") != NULL);
    dsr_string_free(json);
    CHECK(strcmp(dsr_status_name(DSR_HOLD), "DSR_CONFIG") == 0);
}

int main(int argc, char **argv) {
    char journal[512];
    if (argc != 2) return 2;
    snprintf(journal, sizeof journal, "%s/dsr.sqlite3", argv[1]);
    GIVES(DSR_OK, dsr_sandbox_new(NULL, 0, 0, NULL, &sb, &err));
    held(":memory:");
    ended_otherwise(":memory:");
    packages(journal, argv[1]);
    vendor();
    dsr_sandbox_free(sb);
    return closing_line("account");
}
