/* Every function called wrongly: NULL, handles that were freed or are of another kind, texts that
 * are not UTF-8, numbers out of range; and, with a library made for it, a panic inside each. Run
 * under valgrind: nothing of it may touch memory that it should not. */
#include <stdint.h>
#include <stdlib.h>

#include "callback.h"

/* Secrets and people are canaries: run.sh looks for them in all that is printed. */
static const char *const BAD_TEXT = "canary\xe9";
static const char *const IDS[] = {"canary-person"};
static const char *const BAD_IDS[] = {"canary\xe9"};
static const char *const NULL_IDS[] = {NULL};
static const uint8_t BODY[] = {'{', '}'};
static const size_t LENGTHS[] = {7}; /* of a canary with its last byte */
static const char *place, *public_key;
static char journal[512];

/* Everything that an error says, for those canaries. */
static void heard(const dsr_error *said) {
    if (said) printf("said: %s %s\n", dsr_error_message(said), dsr_error_hint(said));
}

/* Refused with this status and an error that says so, and the output is not touched. */
#define REFUSES(wanted, call)                                                                     \
    do {                                                                                          \
        output = (void *)place;                                                                   \
        dsr_status status_ = (call);                                                              \
        CHECK(status_ == (wanted) && dsr_error_code(err) == (wanted) && output == (void *)place); \
        if (status_ != (wanted)) fprintf(stderr, "    %s: %s\n", dsr_status_name(status_), #call); \
        heard(err);                                                                               \
        dsr_error_free(err);                                                                      \
        err = NULL;                                                                               \
    } while (0)

#ifdef FAILPOINTS
void dsr_test_panic_next(void);
#define PANIC_NEXT() dsr_test_panic_next()
#define PANICS(call)                                                                              \
    do {                                                                                          \
        PANIC_NEXT();                                                                             \
        dsr_status status_ = (call);                                                              \
        CHECK(status_ == DSR_PANIC && dsr_error_code(err) == DSR_PANIC);                          \
        heard(err);                                                                               \
        dsr_error_free(err);                                                                      \
        err = NULL;                                                                               \
    } while (0)
#else
#define PANIC_NEXT() return
#define PANICS(call) return
#endif

static const char *good_text(const char *name) {
    if (strcmp(name, "journal") == 0) return journal;
    if (strcmp(name, "faults") == 0) return "[]";
    if (strcmp(name, "public_key") == 0) return public_key;
    if (strstr(name, "token") || strcmp(name, "secret") == 0 || strcmp(name, "passphrase") == 0 || strcmp(name, "id") == 0)
        return "canary-text";
    return "text";
}

/* What a getter that gives a number gives for nothing. */
static int is_nothing(int64_t number) { return number == 0 || number == -1; }

#include "misuse_calls.h" /* alive, stale, output, err and the calls */

static handles make(void) {
    handles made = {0};
    const char *ids[] = {"user-1", "user-2"};
    char *json = NULL;
    callback_call call;
    GIVES(DSR_OK, dsr_sandbox_new("{\"callbacks\": {}}", 0, 0, NULL, &made.sandbox, &err));
    GIVES(DSR_OK, dsr_sandbox_mixpanel(made.sandbox, &made.mixpanel, &err));
    GIVES(DSR_OK, dsr_mixpanel_add_status_callback_url(made.mixpanel, CALLBACK_URL, &err));
    GIVES(DSR_OK, dsr_settings_new(&made.settings, &err));
    GIVES(DSR_OK, dsr_plan_options_new(&made.plan_options, &err));
    GIVES(DSR_OK, dsr_collect_options_new(&made.collect_options, &err));
    GIVES(DSR_OK, dsr_client_new(made.mixpanel, NULL, ":memory:", &made.client, &err));
    GIVES(DSR_OK, dsr_client_create_deletion(made.client, ids, 2, DSR_GDPR, &made.job, &err));
    GIVES(DSR_OK, dsr_client_retrieval_flow(made.client, ids, 2, DSR_GDPR, false, &made.flow, &err));
    GIVES(DSR_OK, dsr_client_raw(made.client, "GET", "/data-deletions/v3.0/1/", NULL, &made.answer, &err));
    GIVES(DSR_OK, dsr_sandbox_mixpeek(made.sandbox, NULL, &made.mixpeek, &err));
    GIVES(DSR_OK, dsr_mixpeek_client_new(made.mixpeek, NULL, NULL, &made.mixpeek_client, &err));
    GIVES(DSR_OK, dsr_mixpeek_client_request_export(made.mixpeek_client, &made.dsar, &err));
    GIVES(DSR_OK, dsr_client_plan_deletion(made.client, ids, 2, NULL, &made.plan, &err));
    GIVES(DSR_OK, dsr_plan_start(made.plan, dsr_plan_confirm(made.plan), &made.run, &err));
    GIVES(DSR_OK, dsr_run_next_event(made.run, -1, &made.event, &err));
    GIVES(DSR_OK, dsr_run_next_outcome(made.run, &made.outcome, &err));
    GIVES(DSR_OK, dsr_run_report(made.run, &made.report, &err));
    GIVES(DSR_OK, dsr_sandbox_advance_ms(made.sandbox, 3600000, &err));
    GIVES(DSR_OK, dsr_sandbox_callbacks(made.sandbox, &json, &err));
    CHECK(json && first_call(json, &call));
    dsr_string_free(json);
    GIVES(DSR_OK, dsr_callback_verify((const uint8_t *)call.body, strlen(call.body), call.name, call.value, call.n_headers,
                                      dsr_sandbox_callback_key(made.sandbox), NULL, &made.callback, &err));
    CHECK(dsr_client_run(made.client, "none", &made.run, &made.error) == DSR_NOT_FOUND);
    return made;
}

static void drop(handles made) {
    dsr_error_free(made.error);
    dsr_callback_free(made.callback);
    dsr_report_free(made.report);
    dsr_outcome_free(made.outcome);
    dsr_event_free(made.event);
    dsr_run_free(made.run);
    dsr_plan_free(made.plan);
    dsr_job_free(made.job);
    dsr_flow_free(made.flow);
    dsr_answer_free(made.answer);
    dsr_dsar_free(made.dsar);
    dsr_mixpeek_client_free(made.mixpeek_client);
    dsr_mixpeek_free(made.mixpeek);
    dsr_client_free(made.client);
    dsr_collect_options_free(made.collect_options);
    dsr_plan_options_free(made.plan_options);
    dsr_settings_free(made.settings);
    dsr_mixpanel_free(made.mixpanel);
    dsr_sandbox_free(made.sandbox);
}

/* What no table of types can tell. */
static void by_hand(void) {
    const char *cut = "canary\0x", *const nul[] = {cut};
    const size_t nul_length[] = {8}, none[] = {0};
    char own[] = "not from the library", *json = NULL;
    dsr_plan *p = NULL;
    dsr_report *rep = NULL;

    CHECK(dsr_client_plan_deletion_n(alive.client, nul, nul_length, 1, NULL, &p, &err) == DSR_INVALID_INPUT);
    CHECK(strstr(dsr_error_message(err), "canary") == NULL && strlen(dsr_error_hint(err)) > 0);
    dsr_error_free(err);
    err = NULL;
    GIVES(DSR_INVALID_INPUT, dsr_client_plan_deletion_n(alive.client, nul, none, 1, NULL, &p, &err));
    GIVES(DSR_INVALID_INPUT, dsr_client_plan_deletion(alive.client, NULL, 0, NULL, &p, &err));
    CHECK(p == NULL);
    GIVES(DSR_INVALID_INPUT, dsr_mixpanel_set_region(alive.mixpanel, 99, &err));
    GIVES(DSR_INVALID_INPUT, dsr_settings_set_on_ambiguous(alive.settings, -1, &err));
    GIVES(DSR_INVALID_INPUT, dsr_settings_set_poll_max_ms(alive.settings, -1, &err));
    GIVES(DSR_INVALID_INPUT, dsr_plan_options_set_compliance(alive.plan_options, 7, &err));
    GIVES(DSR_INVALID_INPUT, dsr_plan_options_set_disclosure(alive.plan_options, 7, &err));
    GIVES(DSR_CONFIG, dsr_mixpanel_set_data_groups(alive.mixpanel, UINT32_MAX, &err));
    GIVES(DSR_INVALID_INPUT, dsr_sandbox_faults(alive.sandbox, "{", &err));

    CHECK(dsr_report_count(alive.report, NULL) == -1 && dsr_report_count(alive.report, BAD_TEXT) == -1);
    CHECK(dsr_report_problem_kind(alive.report, SIZE_MAX) == NULL);
    CHECK(dsr_error_task_id(alive.error, SIZE_MAX) == NULL);
    CHECK(dsr_error_context_name(alive.error, SIZE_MAX) == NULL && dsr_report_job_ids(alive.report, SIZE_MAX) == -1);
    GIVES(DSR_INVALID_INPUT, dsr_log_set(NULL, NULL, 0, &err));
    CHECK(strcmp(dsr_status_name(12345), "DSR_UNKNOWN") == 0);
    CHECK(strcmp(dsr_status_name(-1), "DSR_UNKNOWN") == 0);

    GIVES(DSR_OK, dsr_sandbox_credentials(alive.sandbox, &json, &err));
    CHECK(strstr(json, "base_url") != NULL);
    dsr_string_free(json);
    dsr_string_free(json);
    dsr_string_free(own);
    dsr_string_free(NULL);

    /* No err, and everything wrong at once. */
    CHECK(dsr_client_new(NULL, NULL, NULL, NULL, NULL) == DSR_NULL_POINTER);
    CHECK(dsr_run_next_event((void *)alive.plan, -1, NULL, NULL) == DSR_NULL_POINTER);
    CHECK(dsr_run_cancel((void *)own, &rep, NULL) == DSR_BAD_STATE);
}

/* The functions that misuse_calls.py leaves out, because nothing can be wrong about their arguments. */
static void panicking_by_hand(void) {
    char *json = NULL;

    PANIC_NEXT();
    CHECK(strcmp(dsr_version(), DSR_VERSION) == 0);
    PANIC_NEXT();
    CHECK(dsr_abi_version() == DSR_ABI_VERSION);
    PANIC_NEXT();
    CHECK(strcmp(dsr_status_name(DSR_OK), "DSR_UNKNOWN") == 0);
    CHECK(strcmp(dsr_status_name(DSR_OK), "DSR_OK") == 0);
    GIVES(DSR_OK, dsr_sandbox_credentials(alive.sandbox, &json, &err));
    PANIC_NEXT();
    dsr_string_free(json);
    CHECK(strstr(json, "base_url") != NULL);
    dsr_string_free(json);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    place = argv[1];
    snprintf(journal, sizeof journal, "%s/misuse.sqlite3", place);
    stale = make();
    drop(stale);
    alive = make();
    public_key = dsr_sandbox_callback_key(alive.sandbox);
    wrong_calls();
    wrong_frees();
    by_hand();
    panicking_calls();
    panicking_by_hand();
    /* After all that, everything still works. */
    CHECK(dsr_report_subjects(alive.report) == 2 && dsr_event_text(alive.event) != NULL);
    dsr_report *rep = NULL;
    GIVES(DSR_OK, dsr_run_wait(alive.run, 60000, &rep, &err));
    CHECK(dsr_report_count(rep, "done") == 2);
    dsr_report_free(rep);
    drop(alive);
    drop(alive);
    return closing_line("misuse");
}
