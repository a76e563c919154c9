/* Status callbacks: what is the vendor's is heard, what was changed on the way is not. */
#include <stdbool.h>

#include "callback.h"

static dsr_error *err;

/* A finished retrieval's callback has the link of its archive. Every callback comes until it is answered. */
static void with_a_link(dsr_sandbox *sb, dsr_client *c, const char *place) {
    const char *ids[] = {"user-2"};
    callback_call call;
    dsr_plan_options *options = NULL;
    dsr_run *r = NULL;
    dsr_report *rep = NULL;
    dsr_callback *callback = NULL;
    char *json = NULL;
    int links = 0, more = 1;

    GIVES(DSR_OK, dsr_plan_options_new(&options, &err));
    GIVES(DSR_OK, dsr_plan_options_set_archives(options, place, &err));
    GIVES(DSR_OK, dsr_client_retrieve(c, ids, 1, options, &r, &err));
    GIVES(DSR_OK, dsr_run_wait(r, -1, &rep, &err));
    for (int turn = 0; more && turn < 20; turn++) {
        /* Those behind the first one come again a quarter of an hour later. */
        GIVES(DSR_OK, dsr_sandbox_advance_ms(sb, 16 * 60000, &err));
        GIVES(DSR_OK, dsr_sandbox_callbacks(sb, &json, &err));
        more = json && first_call(json, &call);
        dsr_string_free(json);
        if (!more) break;
        GIVES(DSR_OK, dsr_callback_verify((const uint8_t *)call.body, strlen(call.body), call.name, call.value, call.n_headers,
                                          dsr_sandbox_callback_key(sb), CALLBACK_URL, &callback, &err));
        if (dsr_callback_results_url(callback)) {
            CHECK(strncmp(dsr_callback_results_url(callback), "http", 4) == 0);
            CHECK(strcmp(dsr_callback_kind(callback), "retrieval") == 0 && strcmp(dsr_callback_request(callback), "access") == 0);
            links++;
        }
        dsr_callback_free(callback);
        GIVES(DSR_OK, dsr_sandbox_callback_answered(sb, call.call, 202, &err));
    }
    CHECK(links == 1 && !more);
    dsr_report_free(rep);
    dsr_run_free(r);
    dsr_plan_options_free(options);
}

int main(int argc, char **argv) {
    const char *ids[] = {"user-1"};
    callback_call call;
    dsr_sandbox *sb = NULL;
    dsr_mixpanel *mp = NULL;
    dsr_client *c = NULL;
    dsr_plan *p = NULL;
    dsr_run *r = NULL;
    dsr_event *e = NULL;
    dsr_callback *callback = NULL;
    char *json = NULL;
    bool news = false;
    int submitted = 0;

    if (argc != 2) return 2;
    GIVES(DSR_OK, dsr_sandbox_new("{\"callbacks\": {}}", 0, 0, NULL, &sb, &err));
    GIVES(DSR_OK, dsr_sandbox_mixpanel(sb, &mp, &err));
    GIVES(DSR_OK, dsr_mixpanel_add_status_callback_url(mp, CALLBACK_URL, &err));
    GIVES(DSR_OK, dsr_client_new(mp, NULL, ":memory:", &c, &err));
    GIVES(DSR_OK, dsr_client_plan_deletion(c, ids, 1, NULL, &p, &err));
    GIVES(DSR_OK, dsr_plan_start(p, dsr_plan_confirm(p), &r, &err));
    while (!submitted && dsr_run_next_event(r, -1, &e, &err) == DSR_OK) {
        submitted = strcmp(dsr_event_kind(e), "submitted") == 0;
        dsr_event_free(e);
    }
    GIVES(DSR_OK, dsr_sandbox_advance_ms(sb, 3600000, &err));
    GIVES(DSR_OK, dsr_sandbox_callbacks(sb, &json, &err));
    CHECK(json && first_call(json, &call));
    dsr_string_free(json);
    const uint8_t *body = (const uint8_t *)call.body;
    const size_t size = strlen(call.body);
    const char *key = dsr_sandbox_callback_key(sb);

    GIVES(DSR_INVALID_INPUT, dsr_callback_verify(body, size - 1, call.name, call.value, call.n_headers, key, NULL, &callback, &err));
    GIVES(DSR_INVALID_INPUT, dsr_callback_verify(body, size, call.name, call.value, 0, key, NULL, &callback, &err));
    GIVES(DSR_INVALID_INPUT, dsr_callback_verify(body, size, call.name, call.value, call.n_headers, key, "https://else.example.com/", &callback, &err));
    CHECK(callback == NULL);
    GIVES(DSR_OK, dsr_callback_verify(body, size, call.name, call.value, call.n_headers, key, CALLBACK_URL, &callback, &err));
    CHECK(strcmp(dsr_callback_kind(callback), "deletion") == 0 && *dsr_callback_status(callback));
    CHECK(strcmp(dsr_callback_request(callback), "erasure") == 0);
    CHECK(*dsr_callback_task_id(callback) && strlen(dsr_callback_subject_request_id(callback)) == 36);
    CHECK(strcmp(dsr_callback_url(callback), CALLBACK_URL) == 0 && dsr_callback_results_url(callback) == NULL);
    CHECK(*dsr_callback_expected_at(callback) && *dsr_callback_project_id(callback));
    GIVES(DSR_OK, dsr_client_receive_callback(c, callback, &news, &err));
    news = true;
    GIVES(DSR_OK, dsr_client_receive_callback(c, callback, &news, &err));
    CHECK(!news); /* it was told before */
    GIVES(DSR_OK, dsr_sandbox_callback_answered(sb, call.call, 202, &err));
    dsr_callback_free(callback);
    dsr_run_free(r);
    dsr_plan_free(p);
    with_a_link(sb, c, argv[1]);
    dsr_client_free(c);
    dsr_mixpanel_free(mp);
    dsr_sandbox_free(sb);
    return closing_line("callbacks");
}
