/* A program with a loop of its own: it watches the run's file descriptor beside others. And the log,
 * whose callback calls the library back. */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <stdint.h>

#include "check.h"

static dsr_client *c;
static dsr_run *run;
static int lines, worst;

/* Called on this very thread: everything that does not wait may be asked for. */
static void on_line(int level, const char *line, void *user) {
    dsr_report *rep = NULL;
    dsr_event *e = NULL;
    const char *state = NULL;
    char *json = NULL;
    dsr_error *err = NULL;
    int64_t next = 0;

    CHECK(user == &lines && level >= DSR_LOG_ERROR && level <= DSR_LOG_DEBUG && *line);
    if (level > worst) worst = level;
    if (lines++) return;
    GIVES(DSR_OK, dsr_client_runs(c, &json, &err));
    dsr_string_free(json);
    if (run) GIVES(DSR_OK, dsr_run_state(run, &state, &err));
    /* What waits could wait for the work that waits for this callback. */
    if (run) GIVES(DSR_BAD_STATE, dsr_run_wait(run, 1000, &rep, &err));
    if (run) GIVES(DSR_BAD_STATE, dsr_run_next_event(run, 0, &e, &err));
    GIVES(DSR_BAD_STATE, dsr_client_tick(c, &next, &err));
    GIVES(DSR_BAD_STATE, dsr_log_set(NULL, NULL, DSR_LOG_INFO, &err));
}

/* Reads what there is; gives the last status. */
static dsr_status drain(int *events) {
    dsr_event *e = NULL;
    dsr_error *err = NULL;
    dsr_status status;
    while ((status = dsr_run_next_event(run, 0, &e, &err)) == DSR_OK) {
        ++*events;
        dsr_event_free(e);
    }
    dsr_error_free(err);
    return status;
}

static int readable(int fd, int timeout_ms) {
    struct pollfd watched = {fd, POLLIN, 0};
    return poll(&watched, 1, timeout_ms) == 1 && watched.revents;
}

static void watch(void) {
    const char *ids[] = {"user-1", "user-2", "user-3"};
    dsr_plan *p = NULL;
    dsr_error *err = NULL;
    int fd = -1, again = -1, events = 0, turns = 0;
    uint64_t done = 0;
    dsr_status status = DSR_NO_EVENT;

    GIVES(DSR_OK, dsr_client_plan_deletion(c, ids, 3, NULL, &p, &err));
    GIVES(DSR_NOT_CONFIRMED, dsr_plan_start_counted(p, 4, &run, &err));
    GIVES(DSR_OK, dsr_plan_start_counted(p, 3, &run, &err));
    GIVES(DSR_OK, dsr_run_fd(run, &fd, &err));
    GIVES(DSR_OK, dsr_run_fd(run, &again, &err));
    CHECK(fd >= 0 && fd == again);
    /* The first event is there without anybody waiting for it. */
    while (status == DSR_NO_EVENT && turns++ < 1000 && readable(fd, 60000)) status = drain(&events);
    CHECK(status == DSR_END && events > 3);
    CHECK(!readable(fd, 0));
    /* Asked once more, it tells once more. */
    status = drain(&events);
    while (status == DSR_NO_EVENT && readable(fd, 60000)) status = drain(&events);
    CHECK(status == DSR_END);
    GIVES(DSR_OK, dsr_run_count(run, "done", &done, &err));
    CHECK(done == 3);
    GIVES(DSR_INVALID_INPUT, dsr_run_count(run, "dnoe", &done, &err));
    /* Freed while the client's thread is about to tell: nothing is written to nobody (SIGPIPE). */
    for (int i = 0; i < 500; i++) {
        dsr_run *other = NULL;
        if (dsr_client_run(c, dsr_run_id(run), &other, NULL) || dsr_run_fd(other, &fd, NULL)) failed++;
        for (volatile int later = 0; later < i * 200; later++) continue;
        dsr_run_free(other);
    }
    dsr_run_free(run);
    dsr_plan_free(p);
    run = NULL;
}

/* A refusal that a person mends: the descriptor rests until somebody asks again. */
static void refused(dsr_sandbox *sb) {
    const char *ids[] = {"user-4"};
    dsr_mixpanel *wrong = NULL;
    dsr_client *other = NULL;
    dsr_plan *p = NULL;
    dsr_event *e = NULL;
    dsr_error *err = NULL;
    int fd = -1, events = 0;

    GIVES(DSR_OK, dsr_sandbox_mixpanel(sb, &wrong, &err));
    GIVES(DSR_OK, dsr_mixpanel_set_tokens(wrong, "sandbox-project-token", "wrong", &err));
    GIVES(DSR_OK, dsr_client_new(wrong, NULL, ":memory:", &other, &err));
    GIVES(DSR_OK, dsr_client_plan_deletion(other, ids, 1, NULL, &p, &err));
    GIVES(DSR_OK, dsr_plan_start(p, dsr_plan_confirm(p), &run, &err));
    GIVES(DSR_OK, dsr_run_fd(run, &fd, &err));
    dsr_status status = DSR_NO_EVENT;
    while (status == DSR_NO_EVENT && readable(fd, 60000)) status = drain(&events);
    CHECK(status == DSR_UNAUTHENTICATED);
    CHECK(!readable(fd, 0));
    while ((status = dsr_run_next_event(run, 60000, &e, &err)) == DSR_OK) dsr_event_free(e);
    CHECK(status == DSR_UNAUTHENTICATED && dsr_error_http_status(err) == 401 && !dsr_error_is_retryable(err));
    dsr_error_free(err);
    err = NULL;
    /* The client goes: the descriptor hangs up, so that no loop waits for ever. */
    dsr_client_free(other);
    CHECK(readable(fd, 60000));
    GIVES(DSR_BAD_STATE, dsr_run_next_event(run, -1, &e, &err));
    GIVES(DSR_BAD_STATE, dsr_run_fd(run, &fd, &err));
    dsr_run_free(run);
    run = NULL;
    dsr_plan_free(p);
    dsr_mixpanel_free(wrong);
}

int main(void) {
    dsr_sandbox *sb = NULL;
    dsr_mixpanel *mp = NULL;
    dsr_error *err = NULL;

    GIVES(DSR_OK, dsr_sandbox_new(NULL, 0, 0, NULL, &sb, &err));
    GIVES(DSR_OK, dsr_sandbox_mixpanel(sb, &mp, &err));
    GIVES(DSR_OK, dsr_client_new(mp, NULL, ":memory:", &c, &err));
    GIVES(DSR_INVALID_INPUT, dsr_log_set(on_line, &lines, 9, &err));
    GIVES(DSR_OK, dsr_log_set(on_line, &lines, DSR_LOG_DEBUG, &err));
    watch();
    refused(sb);
    CHECK(lines > 2 && worst == DSR_LOG_DEBUG);
    GIVES(DSR_OK, dsr_log_set(NULL, NULL, DSR_LOG_INFO, &err));
    const int before = lines;
    watch();
    CHECK(lines == before);
    dsr_client_free(c);
    dsr_mixpanel_free(mp);
    dsr_sandbox_free(sb);
    return closing_line("watching");
}
