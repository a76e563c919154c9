/* What is set is what is held: settings, a project, the options of plans and packages. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>

#include "check.h"

/* Sets, and reads the same back. */
#define HOLDS(name, value)                                                                        \
    do {                                                                                          \
        GIVES(DSR_OK, dsr_settings_set_##name(settings, value, &err));                            \
        CHECK(dsr_settings_##name(settings) == (value));                                          \
    } while (0)

static dsr_error *err;

static void limits_and_times(void) {
    static const uint8_t key[32] = {7};
    dsr_settings *settings = NULL;
    char *text = (char *)key;

    GIVES(DSR_OK, dsr_settings_new(&settings, &err));
    CHECK(dsr_settings_requests_per_second(settings) == 0 && dsr_settings_request_timeout_ms(settings) == 60000);
    CHECK(dsr_settings_scan_budget_days(settings) == 1826 && dsr_settings_project_age_days(settings) == 0);
    CHECK(dsr_settings_max_ids_per_deletion_plan(settings) == 10000);
    GIVES(DSR_OK, dsr_settings_proxy(settings, &text, &err));
    CHECK(text == NULL);
    HOLDS(requests_per_second, 0.5);
    HOLDS(request_timeout_ms, 1001);
    HOLDS(connect_timeout_ms, 1002);
    HOLDS(backoff_initial_ms, 1003);
    HOLDS(backoff_max_ms, 1004);
    HOLDS(request_worth_ms, 1005);
    HOLDS(poll_initial_ms, 1006);
    HOLDS(poll_max_ms, 1007);
    HOLDS(ambiguous_retry_after_ms, 1008);
    HOLDS(lost_after_ms, 1009);
    HOLDS(keep_deleted_for_ms, 1010);
    HOLDS(keep_retrieved_for_ms, 1011);
    HOLDS(scan_budget_days, 1012);
    HOLDS(project_age_days, 1013);
    HOLDS(max_ids_per_deletion_plan, 1014);
    HOLDS(archive_max_bytes, 1015);
    HOLDS(on_ambiguous, DSR_RESUBMIT);
    HOLDS(on_ambiguous, DSR_HOLD);
    GIVES(DSR_OK, dsr_settings_set_proxy(settings, "http://127.0.0.1:9", &err));
    GIVES(DSR_OK, dsr_settings_proxy(settings, &text, &err));
    CHECK(text && strcmp(text, "http://127.0.0.1:9") == 0);
    dsr_string_free(text);
    GIVES(DSR_OK, dsr_settings_set_ca_bundle(settings, "caf\xc3\xa9.pem", &err));
    GIVES(DSR_OK, dsr_settings_ca_bundle(settings, &text, &err));
    CHECK(text && strcmp(text, "caf\xc3\xa9.pem") == 0);
    dsr_string_free(text);
    GIVES(DSR_OK, dsr_settings_set_journal_key(settings, key, sizeof key, &err));
    dsr_settings_free(settings);
    CHECK(dsr_settings_requests_per_second(settings) == 0 && dsr_settings_poll_max_ms(settings) == -1);
}

static void project(void) {
    dsr_mixpanel *mp = NULL;
    dsr_client *c = NULL;
    char *url = NULL;

    GIVES(DSR_OK, dsr_mixpanel_new("token", "oauth", &mp, &err));
    CHECK(dsr_mixpanel_region(mp) == DSR_REGION_US && dsr_mixpanel_retrieval_limit(mp) == 2000);
    CHECK(dsr_mixpanel_deletion_limit(mp) == 1999);
    GIVES(DSR_OK, dsr_mixpanel_set_tokens(mp, "other", "oauth", &err));
    GIVES(DSR_OK, dsr_mixpanel_set_region(mp, DSR_REGION_IN, &err));
    CHECK(dsr_mixpanel_region(mp) == DSR_REGION_IN);
    GIVES(DSR_OK, dsr_mixpanel_set_data_groups(mp, 1, &err));
    CHECK(dsr_mixpanel_deletion_limit(mp) == 1000);
    GIVES(DSR_OK, dsr_mixpanel_set_api_version(mp, "2.0", &err));
    CHECK(dsr_mixpanel_retrieval_limit(mp) == 1);
    GIVES(DSR_OK, dsr_mixpanel_set_api_version(mp, "3.0", &err));
    GIVES(DSR_OK, dsr_mixpanel_set_subject_request_ids(mp, true, &err));
    GIVES(DSR_OK, dsr_mixpanel_add_status_callback_url(mp, "https://dsr.example.com/", &err));
    GIVES(DSR_OK, dsr_mixpanel_add_archive_secret(mp, "secret", &err));
    GIVES(DSR_OK, dsr_mixpanel_add_archive_host(mp, ".example.com", &err));
    GIVES(DSR_OK, dsr_mixpanel_set_base_url(mp, "http://127.0.0.1:9/api/app", &err));
    GIVES(DSR_OK, dsr_mixpanel_base_url(mp, &url, &err));
    CHECK(url && strcmp(url, "http://127.0.0.1:9/api/app") == 0 && dsr_mixpanel_region(mp) == -1);
    dsr_string_free(url);
    GIVES(DSR_OK, dsr_client_new(mp, NULL, ":memory:", &c, &err));
    dsr_client_free(c);
    dsr_mixpanel_free(mp);

    mp = NULL;
    setenv("DSRKIT_MIXPANEL_PROJECT_TOKEN", "token", 1);
    setenv("DSRKIT_MIXPANEL_OAUTH_TOKEN", "oauth", 1);
    setenv("DSRKIT_MIXPANEL_REGION", "eu", 1);
    GIVES(DSR_OK, dsr_mixpanel_from_env(&mp, &err));
    CHECK(dsr_mixpanel_region(mp) == DSR_REGION_EU);
    dsr_mixpanel_free(mp);
}

/* A plan of a file says what its options said. */
static void plans(const char *place) {
    char path[512];
    dsr_sandbox *sb = NULL;
    dsr_mixpanel *mp = NULL;
    dsr_client *c = NULL;
    dsr_plan_options *options = NULL;
    dsr_plan *p = NULL;
    dsr_run *r = NULL;
    dsr_report *rep = NULL;

    snprintf(path, sizeof path, "%s/people.csv", place);
    FILE *file = fopen(path, "w");
    CHECK(file && fputs("name,mail\nOne,user-1\nTwo,user-2\nTwo,user-2\nNone,\n", file) >= 0 && !fclose(file));
    GIVES(DSR_OK, dsr_sandbox_new(NULL, 0, 0, NULL, &sb, &err));
    GIVES(DSR_OK, dsr_sandbox_mixpanel(sb, &mp, &err));
    GIVES(DSR_OK, dsr_client_new(mp, NULL, ":memory:", &c, &err));
    GIVES(DSR_OK, dsr_plan_options_new(&options, &err));
    GIVES(DSR_OK, dsr_plan_options_set_column(options, "mail", &err));
    GIVES(DSR_OK, dsr_plan_options_set_compliance(options, DSR_CCPA, &err));
    GIVES(DSR_OK, dsr_plan_options_set_disclosure(options, DSR_DISCLOSURE_SOURCES, &err));
    GIVES(DSR_OK, dsr_plan_options_set_reference(options, "DSR-8", &err));
    GIVES(DSR_INVALID_INPUT, dsr_plan_options_set_received_at_ms(options, -1, &err));
    GIVES(DSR_INVALID_INPUT, dsr_plan_options_set_deadline_ms(options, -5, &err));
    GIVES(DSR_OK, dsr_plan_options_set_received_at_ms(options, 1, &err));
    GIVES(DSR_OK, dsr_plan_options_set_deadline_ms(options, 4102444800000, &err));
    GIVES(DSR_OK, dsr_plan_options_set_skip_bad(options, true, &err));
    GIVES(DSR_OK, dsr_plan_options_set_allow_unusual(options, true, &err));
    GIVES(DSR_OK, dsr_plan_options_set_archives(options, place, &err));
    GIVES(DSR_OK, dsr_client_plan_retrieval_file(c, path, options, &p, &err));
    CHECK(dsr_plan_subjects(p) == 2 && dsr_plan_duplicates(p) == 1 && dsr_plan_refused(p) == 1);
    CHECK(dsr_plan_deadline_ms(p) == 4102444800000 && dsr_plan_deadline_ms(NULL) == -1);
    CHECK(strcmp(dsr_plan_kind(p), "retrieval") == 0 && strcmp(dsr_plan_reference(p), "DSR-8") == 0);
    CHECK(*dsr_plan_id(p) && dsr_plan_sending_ms(p) >= 0 && dsr_plan_expected_min_ms(p) == -1);
    dsr_plan_free(p);

    GIVES(DSR_OK, dsr_client_retrieve_file(c, path, options, &r, &err));
    GIVES(DSR_OK, dsr_run_wait(r, -1, &rep, &err));
    CHECK(strcmp(dsr_report_compliance(rep), "CCPA") == 0 && strcmp(dsr_report_reference(rep), "DSR-8") == 0);
    CHECK(dsr_report_received_at_ms(rep) == 1 && dsr_report_deadline_ms(rep) == 4102444800000);
    CHECK(dsr_report_duplicates(rep) == 1 && dsr_report_refused(rep) == 1 && dsr_report_n_refused(rep) == 1);
    CHECK(dsr_report_refused_row(rep, 0) > 0 && *dsr_report_refused_reason(rep, 0));
    dsr_report_free(rep);
    dsr_run_free(r);

    /* One job has ended, so the next plan knows how long such a job takes. */
    GIVES(DSR_OK, dsr_client_plan_retrieval_file(c, path, options, &p, &err));
    CHECK(dsr_plan_expected_requests(p) > 1 && dsr_plan_expected_min_ms(p) >= 0);
    CHECK(dsr_plan_expected_max_ms(p) >= dsr_plan_expected_min_ms(p) && *dsr_plan_expected_bound(p));
    dsr_plan_free(p);
    dsr_plan_options_free(options);

    GIVES(DSR_OK, dsr_plan_options_new(&options, &err));
    GIVES(DSR_OK, dsr_plan_options_set_hold_for_ms(options, 1000, &err));
    GIVES(DSR_IO, dsr_client_plan_deletion_file(c, place, options, &p, &err));
    snprintf(path, sizeof path, "%s/people.txt", place);
    file = fopen(path, "w");
    CHECK(file && fputs("user-3\nuser-4\n", file) >= 0 && !fclose(file));
    GIVES(DSR_OK, dsr_client_plan_deletion_file(c, path, options, &p, &err));
    CHECK(dsr_plan_subjects(p) == 2);
    GIVES(DSR_NOT_CONFIRMED, dsr_plan_start_counted(p, 3, &r, &err));
    GIVES(DSR_OK, dsr_plan_start_counted(p, 2, &r, &err));
    dsr_run_free(r);
    dsr_plan_free(p);
    GIVES(DSR_NOT_CONFIRMED, dsr_client_delete_file(c, path, 1, options, &r, &err));
    GIVES(DSR_OK, dsr_client_delete_file(c, path, 2, options, &r, &err));
    /* Held back for a second: an event says until when. */
    dsr_event *e = NULL;
    int64_t until = -1;
    while (until < 0 && dsr_run_next_event(r, -1, &e, &err) == DSR_OK) {
        until = dsr_event_next_due_ms(e);
        dsr_event_free(e);
    }
    CHECK(until > 0);
    dsr_run_free(r);
    dsr_plan_options_free(options);
    dsr_client_free(c);
    dsr_mixpanel_free(mp);
    dsr_sandbox_free(sb);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    limits_and_times();
    project();
    plans(argv[1]);
    return closing_line("settings");
}
