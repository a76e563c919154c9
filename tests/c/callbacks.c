/* Status callbacks: what is the vendor's is heard, what was changed on the way is not. */
#include <stdbool.h>

#include "callback.h"

int main(void) {
    const char *ids[] = {"user-1"};
    callback_call call;
    dsr_sandbox *sb = NULL;
    dsr_mixpanel *mp = NULL;
    dsr_client *c = NULL;
    dsr_plan *p = NULL;
    dsr_run *r = NULL;
    dsr_event *e = NULL;
    dsr_callback *callback = NULL;
    dsr_error *err = NULL;
    char *json = NULL;
    bool news = false;
    int submitted = 0;

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
    dsr_client_free(c);
    dsr_mixpanel_free(mp);
    dsr_sandbox_free(sb);
    return closing_line("callbacks");
}
