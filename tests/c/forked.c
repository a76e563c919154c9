/* A child process may not use its parent's handles, and may make its own. */
#define _POSIX_C_SOURCE 200809L
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

int main(void) {
    const char *ids[] = {"user-1", "user-2"};
    dsr_sandbox *sb = NULL;
    dsr_mixpanel *mp = NULL, *own = NULL;
    dsr_client *c = NULL, *own_client = NULL;
    dsr_plan *p = NULL;
    dsr_run *r = NULL;
    dsr_report *rep = NULL;
    dsr_error *err = NULL;

    GIVES(DSR_OK, dsr_sandbox_new(NULL, 0, 0, NULL, &sb, &err));
    GIVES(DSR_OK, dsr_sandbox_mixpanel(sb, &mp, &err));
    GIVES(DSR_OK, dsr_client_new(mp, NULL, ":memory:", &c, &err));
    GIVES(DSR_OK, dsr_client_plan_deletion(c, ids, 2, NULL, &p, &err));
    GIVES(DSR_OK, dsr_plan_start(p, dsr_plan_confirm(p), &r, &err));

    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(20); /* a hang is a failure */
        failed = 0;
        GIVES(DSR_FORK, dsr_run_wait(r, -1, &rep, &err));
        GIVES(DSR_FORK, dsr_client_plan_deletion(c, ids, 2, NULL, &p, &err));
        GIVES(DSR_FORK, dsr_client_new(mp, NULL, ":memory:", &own_client, &err));
        dsr_client_free(c);
        GIVES(DSR_OK, dsr_mixpanel_new("token", "oauth", &own, &err));
        GIVES(DSR_OK, dsr_client_new(own, NULL, ":memory:", &own_client, &err));
        p = NULL;
        GIVES(DSR_OK, dsr_client_plan_deletion(own_client, ids, 2, NULL, &p, &err));
        CHECK(dsr_plan_subjects(p) == 2);
        dsr_client_free(own_client);
        _exit(failed != 0);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);

    GIVES(DSR_OK, dsr_run_wait(r, 60000, &rep, &err));
    CHECK(dsr_report_count(rep, "done") == 2);
    dsr_report_free(rep);
    dsr_run_free(r);
    dsr_plan_free(p);
    dsr_client_free(c);
    dsr_mixpanel_free(mp);
    dsr_sandbox_free(sb);
    return closing_line("forked");
}
