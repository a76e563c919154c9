/* Several threads on one handle, a wake-up, a time-out, and a client that is freed while another
 * thread waits. None of it depends on who comes first. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>

#include "check.h"

static dsr_run *run;
static dsr_status statuses[4];

static void *read_events(void *place) {
    dsr_event *e = NULL;
    dsr_status status;
    while ((status = dsr_run_next_event(run, -1, &e, NULL)) == DSR_OK) dsr_event_free(e);
    *(dsr_status *)place = status;
    return NULL;
}

static void *wait_for_end(void *place) {
    dsr_report *rep = NULL;
    *(dsr_status *)place = dsr_run_wait(run, -1, &rep, NULL);
    dsr_report_free(rep);
    return NULL;
}

int main(void) {
    const char *ids[] = {"user-1", "user-2"};
    dsr_sandbox *sb = NULL;
    dsr_mixpanel *mp = NULL;
    dsr_client *c = NULL;
    dsr_plan *p = NULL;
    dsr_report *rep = NULL;
    dsr_event *e = NULL;
    dsr_error *err = NULL;
    pthread_t threads[4];

    /* Real time, so that nothing ends during this test. */
    GIVES(DSR_OK, dsr_sandbox_new(NULL, 0, 1.0, NULL, &sb, &err));
    GIVES(DSR_OK, dsr_sandbox_mixpanel(sb, &mp, &err));
    GIVES(DSR_OK, dsr_client_new(mp, NULL, ":memory:", &c, &err));
    GIVES(DSR_OK, dsr_client_plan_deletion(c, ids, 2, NULL, &p, &err));
    GIVES(DSR_OK, dsr_plan_start(p, dsr_plan_confirm(p), &run, &err));

    CHECK(pthread_create(&threads[0], NULL, read_events, &statuses[0]) == 0);
    GIVES(DSR_OK, dsr_run_wakeup(run, &err));
    pthread_join(threads[0], NULL);
    CHECK(statuses[0] == DSR_NO_EVENT);

    GIVES(DSR_DEADLINE, dsr_run_wait(run, 20, &rep, &err));
    CHECK(rep == NULL);
    /* Once the run waits for its first look at the job, nothing happens for half a minute. */
    for (int waits = 0; !waits; dsr_event_free(e)) {
        GIVES(DSR_OK, dsr_run_next_event(run, -1, &e, &err));
        waits = strcmp(dsr_event_kind(e), "waiting") == 0 && strstr(dsr_event_text(e), "poll");
    }
    GIVES(DSR_NO_EVENT, dsr_run_next_event(run, 20, &e, &err));

    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, i % 2 ? wait_for_end : read_events, &statuses[i]) == 0);
    dsr_client_free(c);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CHECK(statuses[i] == DSR_BAD_STATE);
    }
    GIVES(DSR_BAD_STATE, dsr_run_report(run, &rep, &err));
    CHECK(dsr_run_id(run) != NULL && strcmp(dsr_run_id(run), dsr_plan_id(p)) == 0);
    dsr_run_free(run);
    dsr_plan_free(p);
    dsr_mixpanel_free(mp);
    dsr_sandbox_free(sb);
    return closing_line("threads");
}
