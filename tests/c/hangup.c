/* A server that hangs up in the middle of a request: the program gets an error, and no SIGPIPE. What a
 * program has decided about SIGPIPE stays as it is. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

enum { IDS = 1999, TEXT = 240, CALLS = 12 };

static char texts[IDS][TEXT];
static const char *ids[IDS];

static void *hang_up(void *listener) {
    int fd;
    while ((fd = accept(*(int *)listener, NULL, NULL)) >= 0) close(fd);
    return NULL;
}

static int held_back(void) {
    sigset_t now;
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    return sigismember(&now, SIGPIPE);
}

static int broken[2], wrote;

/* Writes to nobody, as a connection of the library's might. */
static void on_line(int level, const char *line, void *user) {
    (void)level, (void)line, (void)user;
    wrote += write(broken[1], "x", 1) < 0;
}

/* Threads that do not hold SIGPIPE back, by the system's account; -1 where there is none. */
static int open_threads(void) {
    char path[300], line[200];
    unsigned long long blocked = 0;
    int found = 0;
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks) return -1;
    for (struct dirent *each; (each = readdir(tasks));) {
        snprintf(path, sizeof path, "/proc/self/task/%.200s/status", each->d_name);
        FILE *status = each->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (!status) continue;
        while (fgets(line, sizeof line, status))
            if (sscanf(line, "SigBlk: %llx", &blocked) == 1 && !(blocked >> (SIGPIPE - 1) & 1)) found++;
        fclose(status);
    }
    closedir(tasks);
    return found;
}

int main(void) {
    struct sockaddr_in at = {0};
    socklen_t size = sizeof at;
    char url[64];
    pthread_t server;
    dsr_mixpanel *mp = NULL, *own = NULL;
    dsr_settings *s = NULL;
    dsr_client *c = NULL, *simulated = NULL;
    dsr_sandbox *sb = NULL;
    dsr_job *job = NULL;
    dsr_error *err = NULL;
    sigset_t pipe;

    for (int i = 0; i < IDS; i++) {
        snprintf(texts[i], TEXT, "%0230d", i);
        ids[i] = texts[i];
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(listener, (struct sockaddr *)&at, size) == 0 && listen(listener, 16) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&at, &size) == 0);
    CHECK(pthread_create(&server, NULL, hang_up, &listener) == 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/api/app", ntohs(at.sin_port));

    GIVES(DSR_OK, dsr_mixpanel_new("token", "oauth", &mp, &err));
    GIVES(DSR_OK, dsr_mixpanel_set_base_url(mp, url, &err));
    GIVES(DSR_OK, dsr_settings_new(&s, &err));
    GIVES(DSR_OK, dsr_settings_set_requests_per_second(s, 1000, &err));
    GIVES(DSR_OK, dsr_client_new(mp, s, ":memory:", &c, &err));
    /* This thread and the server's; none of the library's. */
    const int open_now = open_threads();
    CHECK(open_now == 2 || open_now == -1);
    for (int i = 0; i < CALLS; i++) {
        dsr_status status = dsr_client_create_deletion(c, ids, IDS, DSR_GDPR, &job, &err);
        CHECK(status == DSR_AMBIGUOUS || status == DSR_UNAVAILABLE);
        CHECK(!held_back());
        dsr_error_free(err);
        err = NULL;
    }
    /* A write to nobody on this very thread, while it is inside a function. */
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, broken) == 0 && close(broken[0]) == 0);
    GIVES(DSR_OK, dsr_log_set(on_line, NULL, DSR_LOG_TRACE, &err));
    GIVES(DSR_OK, dsr_sandbox_new(NULL, 0, 0, NULL, &sb, &err));
    GIVES(DSR_OK, dsr_sandbox_mixpanel(sb, &own, &err));
    GIVES(DSR_OK, dsr_client_new(own, NULL, ":memory:", &simulated, &err));
    GIVES(DSR_OK, dsr_client_create_deletion(simulated, ids, 1, DSR_GDPR, &job, &err));
    GIVES(DSR_OK, dsr_log_set(NULL, NULL, DSR_LOG_TRACE, &err));
    CHECK(wrote > 0 && !held_back());
    dsr_job_free(job);
    job = NULL;
    dsr_client_free(simulated);
    dsr_mixpanel_free(own);
    dsr_sandbox_free(sb);

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    CHECK(dsr_client_create_deletion(c, ids, IDS, DSR_GDPR, &job, NULL) != DSR_OK);
    CHECK(held_back());
    dsr_client_free(c);
    dsr_settings_free(s);
    dsr_mixpanel_free(mp);
    shutdown(listener, SHUT_RDWR);
    pthread_join(server, NULL);
    close(listener);
    return closing_line("hangup");
}
