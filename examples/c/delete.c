/* Erases two people, after showing what confirms it. Needs DSRKIT_MIXPANEL_PROJECT_TOKEN and
 * DSRKIT_MIXPANEL_OAUTH_TOKEN, or runs against a simulated vendor:
 *     cc delete.c $(pkg-config --cflags --libs dsrkit) -o delete && ./delete dsr.sqlite3 */
#include <dsrkit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dsr_status project(dsr_sandbox **sb, dsr_mixpanel **mp, dsr_error **err) {
    const char *token = getenv("DSRKIT_MIXPANEL_PROJECT_TOKEN");
    const char *oauth = getenv("DSRKIT_MIXPANEL_OAUTH_TOKEN");
    if (token && oauth) return dsr_mixpanel_new(token, oauth, mp, err);
    dsr_status status = dsr_sandbox_new(NULL, 0, 0, NULL, sb, err);
    return status ? status : dsr_sandbox_mixpanel(*sb, mp, err);
}

int main(int argc, char **argv) {
    const char *ids[] = {"user-1", "user-2"};
    dsr_sandbox *sb = NULL; dsr_mixpanel *mp = NULL; dsr_client *c = NULL; dsr_plan *p = NULL;
    dsr_run *r = NULL; dsr_event *e = NULL; dsr_report *rep = NULL; dsr_error *err = NULL;

    if (!project(&sb, &mp, &err) && !dsr_client_new(mp, NULL, argc > 1 ? argv[1] : ":memory:", &c, &err) &&
        !dsr_client_plan_deletion(c, ids, 2, NULL, &p, &err)) {
        printf("%s; confirm with %s\n", dsr_plan_estimate(p), dsr_plan_confirm(p));
        if (!dsr_plan_start(p, dsr_plan_confirm(p), &r, &err)) {
            while (dsr_run_next_event(r, -1, &e, &err) == DSR_OK) {
                if (strcmp(dsr_event_kind(e), "waiting")) puts(dsr_event_text(e));
                dsr_event_free(e);
            }
            if (!err && !dsr_run_report(r, &rep, &err))
                printf("%lld deleted\n", (long long)dsr_report_count(rep, "done"));
        }
    }
    int failed = err != NULL;
    if (failed) fprintf(stderr, "%s\n%s\n", dsr_error_message(err), dsr_error_hint(err));
    dsr_report_free(rep); dsr_run_free(r); dsr_plan_free(p); dsr_client_free(c);
    dsr_mixpanel_free(mp); dsr_sandbox_free(sb); dsr_error_free(err);
    return failed;
}
