/* Random sequences of calls: any function, with handles that are alive, freed, of another kind or
 * NULL, texts good and bad. Nothing may crash, hang or leak; whatever comes back is a known status.
 *     sequences SEED HOW_MANY FOLDER
 * Twenty sequences share what they have made; a failure comes back with the twenty that its seed is
 * of: sequences 4560 20 FOLDER for seed 4567. Prints which functions have not worked even once. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

enum { KEPT = 6, CALLS = 24, SHARING = 20, PATH = 512 };

static uint64_t state;
static char place[PATH], file[PATH + 32], folder[PATH + 32], table[PATH + 32];
static int calls_made[400], calls_worked[400];

/* Projects that are not the sandbox's lead to this machine too, where nobody listens. */
static const char *const NOWHERE = "http://127.0.0.1:9/api/app";

static void on_line(int level, const char *line, void *user);

/* xorshift: the same on every machine. */
static uint32_t chance(uint32_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

/* The handles of one kind: the last few that were made, alive or not. */
typedef struct {
    void *kept[KEPT];
    int next;
} pool;

static void *pick(pool *all, int n, int own) {
    const uint32_t luck = chance(20);
    if (luck == 0) return NULL;
    pool *from = luck == 1 ? &all[chance((uint32_t)n)] : &all[own];
    void *found = NULL;
    for (int i = 0; i < KEPT && !found; i++) found = from->kept[chance(KEPT)];
    return found;
}

static const char *any_text(const char *name) {
    static const char *const some[] = {"text", "", "caf\xe9", "2026", "done", "send_again", "give_up", "eu", "[]", "{}"};
    const uint32_t luck = chance(12);
    if (luck == 0) return NULL;
    if (luck == 1) return some[chance(10)];
    if (strncmp(name, "journal", 7) == 0) return chance(4) ? ":memory:" : file;
    if (strcmp(name, "csv_path") == 0) return chance(4) ? table : folder;
    if (strstr(name, "path") || strstr(name, "folder")) return chance(2) ? folder : file;
    if (strcmp(name, "state_or_null") == 0 || strstr(name, "proxy") || strcmp(name, "url_or_null") == 0) return NULL;
    if (strcmp(name, "options_or_null") == 0) return "{}";
    if (strcmp(name, "faults") == 0) return "[{\"on\": \"create_deletion\", \"nth\": 1, \"kind\": \"drop_after\"}]";
    if (strcmp(name, "version") == 0) return "3.0";
    if (strcmp(name, "method") == 0) return chance(2) ? "GET" : "POST";
    if (strcmp(name, "json_or_null") == 0) return chance(2) ? "{}" : NULL;
    if (strcmp(name, "url") == 0) return NOWHERE;
    if (strcmp(name, "host") == 0) return ".example.com";
    if (strcmp(name, "zone") == 0) return "Europe/Paris";
    if (strcmp(name, "language") == 0) return "fr";
    if (strcmp(name, "word") == 0) return "done";
    return some[chance(10)];
}

static const char *const IDS[] = {"user-1", "user-2", "user-3"};
static const char *const BAD_IDS[] = {"caf\xe9", NULL, ""};
static const size_t LENGTHS[] = {6, 6, 6};
static const uint8_t KEY[32] = {7};

#include "sequences_calls.h" /* the pools, one function per call, their names */

/* The log calls back into whatever comes. */
static void on_line(int level, const char *line, void *user) {
    (void)level, (void)user;
    if (*line) CALL[chance(N_CALLS)]();
}

static char last_words[64];

/* A crash or a hang says with which seed it comes back. */
static void last(int signal_number) {
    signal(signal_number, SIG_DFL);
    if (write(STDERR_FILENO, last_words, strlen(last_words)) >= 0) raise(signal_number);
}

/* Everything at hand, most of the time: something done, something under way. */
static void start(void) {
    dsr_sandbox *sb = NULL;
    dsr_mixpanel *mp = NULL;
    dsr_client *c = NULL;
    dsr_plan *p = NULL;
    dsr_run *r = NULL;
    dsr_event *e = NULL;
    dsr_outcome *o = NULL;
    dsr_report *rep = NULL;
    dsr_job *job = NULL;
    dsr_error *err = NULL;
    if (chance(4) == 0) return;
    /* A second client of one file may read only, whichever vendor's the first is. */
    const int first = pools[CLIENT].next == 0 && pools[MIXPEEK_CLIENT].next == 0;
    const int file_journal = first && chance(3) == 0, erase = !file_journal || chance(2);
    CHECK(!dsr_sandbox_new(NULL, 0, 0, NULL, &sb, NULL) && !dsr_sandbox_mixpanel(sb, &mp, NULL));
    CHECK(!dsr_client_new(mp, NULL, file_journal ? file : ":memory:", &c, NULL));
    if (erase) CHECK(!dsr_client_plan_deletion(c, IDS, 3, NULL, &p, NULL));
    else CHECK(!dsr_client_plan_retrieval(c, IDS, 3, NULL, &p, NULL));
    CHECK(!dsr_plan_start(p, dsr_plan_confirm(p), &r, NULL));
    CHECK(!dsr_run_next_event(r, -1, &e, NULL) && !dsr_run_next_outcome(r, &o, NULL));
    if (chance(2)) CHECK(!dsr_run_wait(r, -1, &rep, NULL));
    if (chance(4) == 0) CHECK(!dsr_client_create_deletion(c, IDS, 2, DSR_GDPR, &job, NULL) || !erase || !rep);
    dsr_client_run(c, "none", &r, &err);
    keep(SANDBOX, sb), keep(MIXPANEL, mp), keep(CLIENT, c), keep(PLAN, p), keep(RUN, r);
    keep(EVENT, e), keep(OUTCOME, o), keep(REPORT, rep), keep(JOB, job), keep(ERROR, err);
}

/* What a sequence left on the disk. */
static void sweep(void) {
    static const char *const parts[] = {"", "-wal", "-shm", ".rescue"};
    char path[PATH + 48];
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s%s", file, parts[i]);
        remove(path);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    const uint64_t first = strtoull(argv[1], NULL, 10);
    const long many = strtol(argv[2], NULL, 10);
    snprintf(place, PATH, "%s", argv[3]);
    /* Texts are tried as the names of files, too. */
    if (chdir(place)) return 2;
    snprintf(file, sizeof file, "%s/dsr.sqlite3", place);
    snprintf(folder, sizeof folder, "%s/out", place);
    snprintf(table, sizeof table, "%s/rows.csv", place);
    signal(SIGALRM, last);
    signal(SIGSEGV, last);
    signal(SIGABRT, last);
    signal(SIGPIPE, last);
    for (long sequence = 0; sequence < many; sequence++) {
        const unsigned long long seed = first + (uint64_t)sequence;
        state = (seed + 1) * 0x9E3779B97F4A7C15u;
        snprintf(last_words, sizeof last_words, "seed %llu did not end well\n", seed);
        alarm(120); /* a hang is a failure */
        if (seed % SHARING == 0) {
            finish();
            sweep();
        }
        if (seed % SHARING == 0 || chance(8) == 0) start();
        for (int i = 0; i < CALLS; i++) {
            const int which = (int)chance(N_CALLS);
            const int status = CALL[which]();
            calls_made[which]++;
            calls_worked[which] += status == 0;
            if (strcmp(dsr_status_name(status), "DSR_UNKNOWN") == 0 || status == DSR_PANIC || status == DSR_INTERNAL) {
                failed++;
                fprintf(stderr, "seed %llu: %s gave %d\n", seed, NAME[which], status);
            }
        }
        if ((sequence + 1) % 1000 == 0) fprintf(stderr, "%ld sequences\n", sequence + 1);
    }
    finish();
    int never = 0;
    for (int i = 0; i < N_CALLS; i++)
        if (!calls_worked[i]) {
            never++;
            printf("%s: %s\n", calls_made[i] ? "has not worked" : "was not called", NAME[i]);
        }
    printf("%d of %d functions worked at least once\n", N_CALLS - never, N_CALLS);
    passed += (int)many;
    return closing_line("sequences");
}
