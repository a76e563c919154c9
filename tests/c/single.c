/* One call each: tasks, the published workflows, calls that have no function, Mixpeek. */
#include "check.h"

static dsr_error *err;
static const char *const IDS[] = {"single-1", "single-2"};
static const size_t LENGTHS[] = {8, 8};

static dsr_client *client_of(dsr_sandbox *sb, const char *version) {
    dsr_mixpanel *mp = NULL;
    dsr_client *c = NULL;
    GIVES(DSR_OK, dsr_sandbox_mixpanel(sb, &mp, &err));
    GIVES(DSR_OK, dsr_mixpanel_set_api_version(mp, version, &err));
    GIVES(DSR_OK, dsr_client_new(mp, NULL, ":memory:", &c, &err));
    dsr_mixpanel_free(mp);
    return c;
}

static void tasks(dsr_sandbox *sb) {
    dsr_client *c = client_of(sb, "3.0"), *old = client_of(sb, "2.0");
    dsr_job *job = NULL, *again = NULL;

    GIVES(DSR_OK, dsr_client_create_retrieval_n(c, IDS, LENGTHS, 2, DSR_GDPR, DSR_DISCLOSURE_UNSET, &job, &err));
    CHECK(strcmp(dsr_job_status(job), "PENDING") == 0 && strcmp(dsr_job_kind(job), "retrieval") == 0);
    GIVES(DSR_OK, dsr_sandbox_advance_ms(sb, 30LL * 86400000, &err));
    GIVES(DSR_OK, dsr_client_get_retrieval(c, dsr_job_id(job), &again, &err));
    CHECK(strcmp(dsr_job_id(again), dsr_job_id(job)) == 0 && strcmp(dsr_job_status(again), "SUCCESS") == 0);
    CHECK(strncmp(dsr_job_download_url(again), "http", 4) == 0);
    dsr_job_free(again);
    dsr_job_free(job);

    GIVES(DSR_OK, dsr_client_create_retrieval(old, IDS, 1, DSR_GDPR, DSR_DISCLOSURE_UNSET, &job, &err));
    GIVES(DSR_OK, dsr_client_cancel_retrieval(old, dsr_job_id(job), &err));
    GIVES(DSR_OK, dsr_client_get_retrieval(old, dsr_job_id(job), &again, &err));
    CHECK(strcmp(dsr_job_status(again), "REVOKED") == 0);
    dsr_job_free(again);
    dsr_job_free(job);

    GIVES(DSR_OK, dsr_client_create_deletion_n(c, IDS, LENGTHS, 2, DSR_GDPR, &job, &err));
    GIVES(DSR_OK, dsr_client_create_deletion(c, (const char *const[]){"single-3"}, 1, DSR_GDPR, &again, &err));
    CHECK(strcmp(dsr_job_id(again), dsr_job_id(job)) != 0);
    dsr_job_free(again);
    GIVES(DSR_OK, dsr_client_get_deletion(c, dsr_job_id(job), &again, &err));
    CHECK(strcmp(dsr_job_kind(again), "deletion") == 0 && dsr_job_download_url(again) == NULL);
    CHECK(dsr_job_requested_at(again) && *dsr_job_requested_at(again));
    dsr_job_free(again);

    /* A conflict names the task that runs. */
    CHECK(dsr_client_create_deletion(c, IDS, 1, DSR_GDPR, &again, &err) == DSR_CONFLICT);
    CHECK(dsr_error_code(err) == DSR_CONFLICT && dsr_error_http_status(err) == 409 && !dsr_error_is_retryable(err));
    CHECK(dsr_error_n_tasks(err) == 1 && strcmp(dsr_error_task_id(err, 0), dsr_job_id(job)) == 0);
    CHECK(strcmp(dsr_error_sent(err), "yes") == 0 && dsr_error_task_id(err, 1) == NULL);
    dsr_error_free(err);
    err = NULL;
    GIVES(DSR_OK, dsr_client_cancel_deletion(c, dsr_job_id(job), &err));
    CHECK(dsr_client_cancel_deletion(c, dsr_job_id(job), &err) == DSR_TOO_LATE);
    CHECK(strcmp(dsr_error_job_id(err), dsr_job_id(job)) == 0 && dsr_error_http_status(err) == 405);
    dsr_error_free(err);
    err = NULL;
    dsr_job_free(job);

    /* The time that the vendor asks to wait, and whether another try is worth it. */
    GIVES(DSR_OK, dsr_sandbox_faults(sb, "[{\"on\": \"get_deletion\", \"nth\": 1, \"kind\": \"status\", \"status\": 429, \"times\": 9, \"headers\": {\"Retry-After\": \"120\"}}]", &err));
    CHECK(dsr_client_get_deletion(c, "1234567890123456789", &job, &err) == DSR_RATE_LIMITED);
    CHECK(dsr_error_retry_after_ms(err) == 120000 && dsr_error_is_retryable(err) && *dsr_error_hint(err));
    dsr_error_free(err);
    err = NULL;
    dsr_client_free(old);
    dsr_client_free(c);
}

static void flows(dsr_sandbox *sb) {
    dsr_client *c = client_of(sb, "3.0");
    dsr_flow *flow = NULL;

    GIVES(DSR_OK, dsr_client_retrieval_flow(c, IDS, 2, DSR_GDPR, true, &flow, &err));
    CHECK(strcmp(dsr_flow_task_status(flow), "SUCCESS") == 0 && strncmp(dsr_flow_download_url(flow), "http", 4) == 0);
    dsr_flow_free(flow);
    GIVES(DSR_OK, dsr_client_retrieval_flow_n(c, IDS, LENGTHS, 1, DSR_CCPA, false, &flow, &err));
    CHECK(*dsr_flow_task_id(flow) && dsr_flow_download_url(flow) == NULL);
    dsr_flow_free(flow);
    GIVES(DSR_OK, dsr_client_deletion_flow(c, IDS, 1, DSR_GDPR, true, &flow, &err));
    CHECK(strcmp(dsr_flow_task_status(flow), "SUCCESS") == 0);
    dsr_flow_free(flow);
    GIVES(DSR_OK, dsr_client_deletion_flow_n(c, &IDS[1], LENGTHS, 1, DSR_GDPR, false, &flow, &err));
    CHECK(*dsr_flow_task_id(flow));
    dsr_flow_free(flow);
    dsr_client_free(c);
}

/* What has no function is asked for as it is; other time-outs stay with the client that has them. */
static void raw(dsr_sandbox *sb) {
    char path[128];
    dsr_client *c = client_of(sb, "3.0"), *hasty = NULL;
    dsr_settings *settings = NULL;
    dsr_answer *answer = NULL;
    dsr_job *job = NULL;
    dsr_run *r = NULL;
    int json = 0;

    GIVES(DSR_OK, dsr_client_create_retrieval(c, IDS, 1, DSR_GDPR, DSR_DISCLOSURE_UNSET, &job, &err));
    snprintf(path, sizeof path, "/data-retrievals/v3.0/%s/", dsr_job_id(job));
    GIVES(DSR_OK, dsr_client_raw(c, "GET", path, NULL, &answer, &err));
    CHECK(dsr_answer_http_status(answer) == 200 && strlen(dsr_answer_body(answer)) == dsr_answer_body_bytes(answer));
    CHECK(strstr(dsr_answer_body(answer), "PENDING") != NULL);
    for (size_t at = 0; at < dsr_answer_n_headers(answer); at++)
        json += !strcmp(dsr_answer_header_name(answer, at), "content-type") && strstr(dsr_answer_header_value(answer, at), "json");
    CHECK(json == 1 && dsr_answer_header_name(answer, dsr_answer_n_headers(answer)) == NULL);
    dsr_answer_free(answer);
    GIVES(DSR_OK, dsr_client_raw(c, "POST", "/no/such/place/", "{}", &answer, &err));
    CHECK(dsr_answer_http_status(answer) == 404);
    dsr_answer_free(answer);
    GIVES(DSR_INVALID_INPUT, dsr_client_raw(c, "GET", "https://else.example.com/", NULL, &answer, &err));
    dsr_job_free(job);

    GIVES(DSR_OK, dsr_settings_new(&settings, &err));
    GIVES(DSR_OK, dsr_settings_set_request_timeout_ms(settings, 20, &err));
    GIVES(DSR_OK, dsr_client_with_settings(c, settings, &hasty, &err));
    GIVES(DSR_OK, dsr_settings_set_poll_initial_ms(settings, 1, &err));
    GIVES(DSR_CONFIG, dsr_client_with_settings(c, settings, &hasty, &err));
    GIVES(DSR_OK, dsr_sandbox_faults(sb, "[{\"on\": \"create_deletion\", \"nth\": 1, \"kind\": \"slow_body\"}]", &err));
    GIVES(DSR_AMBIGUOUS, dsr_client_create_deletion(hasty, IDS, 1, DSR_GDPR, &job, &err));
    /* Journal and runs are the same; the first client's end is the end of both. */
    GIVES(DSR_OK, dsr_client_delete(hasty, IDS, 2, 2, NULL, &r, &err));
    dsr_client_free(hasty);
    const char *state = NULL;
    GIVES(DSR_OK, dsr_run_state(r, &state, &err));
    GIVES(DSR_OK, dsr_settings_set_poll_initial_ms(settings, 2000, &err));
    GIVES(DSR_OK, dsr_client_with_settings(c, settings, &hasty, &err));
    dsr_client_free(c);
    GIVES(DSR_BAD_STATE, dsr_run_state(r, &state, &err));
    GIVES(DSR_BAD_STATE, dsr_client_get_deletion(hasty, "1", &job, &err));
    dsr_run_free(r);
    dsr_client_free(hasty);
    dsr_settings_free(settings);
}

static void mixpeek(dsr_sandbox *sb) {
    dsr_mixpeek *mk = NULL;
    dsr_mixpeek_client *c = NULL;
    dsr_dsar *dsar = NULL;
    char *json = NULL, id[64] = "";

    GIVES(DSR_OK, dsr_mixpeek_new("sk_0123456789abcdef0123456789abcdef", &mk, &err));
    GIVES(DSR_OK, dsr_mixpeek_set_base_url(mk, "http://127.0.0.1:9", &err));
    dsr_mixpeek_free(mk);
    GIVES(DSR_OK, dsr_sandbox_mixpeek(sb, NULL, &mk, &err));
    GIVES(DSR_OK, dsr_mixpeek_client_new(mk, NULL, ":memory:", &c, &err));
    GIVES(DSR_OK, dsr_mixpeek_client_request_export(c, &dsar, &err));
    CHECK(*dsr_dsar_request_id(dsar) && strcmp(dsr_dsar_status(dsar), "pending") == 0 && *dsr_dsar_requested_at(dsar));
    CHECK(*dsr_dsar_estimated_completion(dsar) && dsr_dsar_n_categories(dsar) > 0 && *dsr_dsar_category(dsar, 0));
    CHECK(dsr_dsar_warning(dsar) == NULL);
    dsr_dsar_free(dsar);
    GIVES(DSR_NOT_CONFIRMED, dsr_mixpeek_client_request_deletion(c, "yes", &dsar, &err));
    GIVES(DSR_OK, dsr_sandbox_faults(sb, "[{\"on\": \"dsar_delete\", \"nth\": 1, \"kind\": \"drop_after\"}]", &err));
    GIVES(DSR_AMBIGUOUS, dsr_mixpeek_client_request_deletion(c, "DELETE ORGANISATION", &dsar, &err));
    GIVES(DSR_OK, dsr_mixpeek_client_requests(c, &json, &err));
    const char *at = json ? strstr(json, "\"deletion\"") : NULL;
    CHECK(at && strstr(at, "\"unknown\""));
    /* The name of the last one on record. */
    for (const char *next = json; next && (next = strstr(next, "\"id\":\"")); next += 6) snprintf(id, sizeof id, "%s", next + 6);
    id[strcspn(id, "\"")] = 0;
    dsr_string_free(json);
    GIVES(DSR_OK, dsr_mixpeek_client_settle(c, id, false, &err));
    GIVES(DSR_OK, dsr_mixpeek_client_request_deletion(c, "DELETE ORGANISATION", &dsar, &err));
    CHECK(dsr_dsar_warning(dsar) && *dsr_dsar_warning(dsar));
    dsr_dsar_free(dsar);
    dsr_mixpeek_client_free(c);
    dsr_mixpeek_free(mk);
}

int main(void) {
    dsr_sandbox *sb = NULL;
    GIVES(DSR_OK, dsr_sandbox_new(NULL, 0, 0, NULL, &sb, &err));
    tasks(sb);
    flows(sb);
    raw(sb);
    mixpeek(sb);
    dsr_sandbox_free(sb);
    return closing_line("single");
}
