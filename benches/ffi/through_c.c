/* What direct.rs does, through the C library: the same work, the same figures, as one JSON line. */
#define _POSIX_C_SOURCE 200809L
#include <dsrkit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PEOPLE = 20000, TEXT = 24, CALLS = 1000000, STATES = 20000 };

static char texts[PEOPLE][TEXT];
static const char *ids[PEOPLE];
static size_t lengths[PEOPLE];

/* CPU time of the process: what other programs do at the same time does not count. */
static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void must(dsr_status status, dsr_error *err) {
    if (status == DSR_OK || status == DSR_END) return;
    fprintf(stderr, "%s: %s\n", dsr_status_name(status), dsr_error_message(err));
    exit(1);
}

/* Reads the run's events to its end; gives how many. */
static long follow(dsr_run *r) {
    dsr_event *e = NULL;
    dsr_error *err = NULL;
    dsr_status status;
    long events = 0;
    size_t bytes = 0;
    while ((status = dsr_run_next_event(r, -1, &e, &err)) == DSR_OK) {
        bytes += strlen(dsr_event_text(e));
        dsr_event_free(e);
        events++;
    }
    must(status, err);
    return bytes ? events : 0;
}

int main(void) {
    dsr_sandbox *sb = NULL;
    dsr_mixpanel *mp = NULL;
    dsr_settings *s = NULL;
    dsr_client *c = NULL;
    dsr_plan *p = NULL;
    dsr_run *r = NULL, *again = NULL;
    dsr_outcome *o = NULL;
    dsr_error *err = NULL;
    const char *state = NULL;
    volatile uint64_t sum = 0;
    long outcomes = 0;

    for (int i = 0; i < PEOPLE; i++) {
        lengths[i] = (size_t)snprintf(texts[i], TEXT, "person-%d", i);
        ids[i] = texts[i];
    }
    must(dsr_sandbox_new(NULL, 0, 0, NULL, &sb, &err), err);
    must(dsr_sandbox_mixpanel(sb, &mp, &err), err);
    must(dsr_settings_new(&s, &err), err);
    must(dsr_settings_set_max_ids_per_deletion_plan(s, PEOPLE, &err), err);
    must(dsr_client_new(mp, s, ":memory:", &c, &err), err);

    double from = now();
    must(dsr_client_plan_deletion_n(c, ids, lengths, PEOPLE, NULL, &p, &err), err);
    const double planned = now() - from;
    must(dsr_plan_start(p, dsr_plan_confirm(p), &r, &err), err);
    from = now();
    const long events = follow(r);
    const double driven = now() - from;
    must(dsr_client_run(c, dsr_run_id(r), &again, &err), err);
    from = now();
    const long replayed = follow(again);
    const double replay = now() - from;
    from = now();
    while (dsr_run_next_outcome(r, &o, &err) == DSR_OK) {
        sum += strlen(dsr_outcome_id(o));
        dsr_outcome_free(o);
        outcomes++;
    }
    const double told = now() - from;
    from = now();
    for (long i = 0; i < CALLS; i++) sum += dsr_plan_subjects(p);
    const double getter = now() - from;
    from = now();
    for (long i = 0; i < STATES; i++) {
        must(dsr_run_state(r, &state, &err), err);
        sum += (uint64_t)*state;
    }
    const double asked = now() - from;
    printf("{\"plan_ids_per_s\": %.0f, \"events\": %ld, \"driven_events_per_s\": %.0f, \"read_events_per_s\": %.0f, "
           "\"outcomes_per_s\": %.0f, \"getter_ns\": %.1f, \"state_ns\": %.0f}\n",
           PEOPLE / planned, events, events / driven, replayed / replay, outcomes / told, getter / CALLS * 1e9,
           asked / STATES * 1e9);
    dsr_client_free(c);
    dsr_sandbox_free(sb);
    return 0;
}
