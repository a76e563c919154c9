/* dsrkit: data-subject requests (retrieval and deletion) done whole.
 *
 * This file is generated; include dsrkit.hpp for C++.
 *
 *     #include <dsrkit.h>
 *     #include <stdio.h>
 *     #include <string.h>
 *
 *     // Erases two people, and tells when the vendor has done it. The run stands in the journal: after
 *     // a crash, dsr_client_runs and dsr_client_run find it, and the same loop goes on with it.
 *     int main(void) {
 *         const char *ids[] = {"user-1", "user-2"};
 *         dsr_mixpanel *mp = NULL; dsr_client *c = NULL; dsr_plan *p = NULL; dsr_run *r = NULL;
 *         dsr_event *e = NULL; dsr_report *rep = NULL; dsr_error *err = NULL;
 *         int failed = 1;
 *
 *         if (dsr_mixpanel_from_env(&mp, &err) ||
 *             dsr_client_new(mp, NULL, "dsr.sqlite3", &c, &err) ||
 *             dsr_client_plan_deletion(c, ids, 2, NULL, &p, &err)) goto end;
 *         printf("%s\nconfirm with %s\n", dsr_plan_estimate(p), dsr_plan_confirm(p));
 *         if (dsr_plan_start(p, dsr_plan_confirm(p), &r, &err)) goto end;
 *         while (dsr_run_next_event(r, -1, &e, &err) == DSR_OK) {
 *             if (strcmp(dsr_event_kind(e), "waiting")) puts(dsr_event_text(e));
 *             dsr_event_free(e);
 *         }
 *         if (err || dsr_run_report(r, &rep, &err)) goto end;
 *         printf("%lld deleted\n", (long long)dsr_report_count(rep, "done"));
 *         failed = dsr_report_count(rep, "done") != 2;
 *     end:
 *         if (err) fprintf(stderr, "%s\n%s\n", dsr_error_message(err), dsr_error_hint(err));
 *         dsr_report_free(rep); dsr_run_free(r); dsr_plan_free(p);
 *         dsr_client_free(c); dsr_mixpanel_free(mp); dsr_error_free(err);
 *         return failed;
 *     }
 *
 * RESULTS. Functions return a dsr_status; DSR_OK is 0. Outputs come last before err and are
 * written only on success. err may be NULL; on failure *err becomes a new dsr_error, which you
 * free. DSR_NO_EVENT and DSR_END are no errors and leave *err alone. Getters return their value,
 * and NULL, 0, -1 or DSR_BAD_STATE when asked about NULL or about a handle that is not alive.
 *
 * POINTERS. No pointer may be NULL, except those named ..._or_null, err, and what _free takes:
 * DSR_NULL_POINTER otherwise. Texts are UTF-8 and end with NUL: DSR_BAD_UTF8 otherwise. Nothing
 * that you pass in is kept after the function has returned.
 *
 * ENUMS are open: new numbers may come. Functions take them as int, so that one you do not know is
 * refused, not undefined. Option objects and events are opaque, so the ABI can grow: see
 * DSR_ABI_VERSION.
 *
 * HANDLES. What a function gave you as dsr_x ** you free with dsr_x_free, in any order. Handles
 * are numbers, not addresses: one that was freed, or is of another kind, gives DSR_BAD_STATE;
 * freed twice it is ignored. A const char * that a getter returns lives as long as the handle that
 * it was asked of. A char ** output is yours: free it with dsr_string_free.
 *
 * THREADS. Any thread may use any handle at any time; do not free a handle while another thread
 * still reads a text of it. Functions that reach the vendor block; poll and epoll work through
 * dsr_run_fd. Nothing calls back but the log (dsr_log_set), and that on your own threads only. What
 * each type needs stands with it: owner, threads, lifetime.
 *
 * SIGNALS. No handler is set. SIGPIPE is held back on a thread while it is inside a function; waits
 * go on after a signal was handled.
 *
 * FORK. A child process gets DSR_FORK for the parent's handles and makes its own.
 *
 * TIMES. Every number of milliseconds or days says so in its name. Points in time are counted
 * from 1970 (UTC), by the client's clock.
 *
 * IDS. A distinct id is used exactly as given. The _n twins take lengths in bytes; an id with a
 * NUL inside is refused. No error, event or report holds an id: only dsr_outcome_id,
 * dsr_outcome_package (the folder's name shows some of it), what dsr_run_outcomes_csv writes,
 * dsr_sandbox_ledger and perhaps dsr_answer_body do.
 */


#ifndef DSRKIT_H
#define DSRKIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DSR_VERSION_MAJOR 0
#define DSR_VERSION_MINOR 1
#define DSR_VERSION_PATCH 0
#define DSR_VERSION "0.1.0"


// The library's binary interface. It grows by one, with the soname, when a program that was
// built before would break.
#define DSR_ABI_VERSION 0

// What a function returns. 1 to 99 are kinds of error, the same numbers on every surface; 100 and
// above exist in C only. New numbers may be added: treat one you do not know as an error.
typedef enum {
    // It worked.
    DSR_OK = 0,
    // An id, a file or an argument cannot be used. Nothing was sent.
    DSR_INVALID_INPUT = 1,
    // The set-up is wrong: a token with a blank in it, a journal of another project.
    DSR_CONFIG = 2,
    // 401: the vendor does not accept the OAuth token (it lives one year).
    DSR_UNAUTHENTICATED = 3,
    // 403: the token's user must be an owner or admin of the project.
    DSR_PERMISSION_DENIED = 4,
    // The vendor, or this journal, knows nothing by that id.
    DSR_NOT_FOUND = 5,
    // 429: see dsr_error_retry_after_ms. Runs wait by themselves.
    DSR_RATE_LIMITED = 6,
    // The vendor could not be reached, or answered 5xx. Runs try again by themselves.
    DSR_UNAVAILABLE = 7,
    // The time you allowed has passed. The work stands in the journal; wait again.
    DSR_DEADLINE = 8,
    // The vendor's answer is not as documented.
    DSR_PROTOCOL = 9,
    // 409: a running deletion already names one of these ids.
    DSR_CONFLICT = 10,
    // The vendor ended the task as FAILURE or REVOKED.
    DSR_JOB_FAILED = 11,
    // 405: the vendor has started the task, it cannot be cancelled any more.
    DSR_TOO_LATE = 12,
    // A deletion without exactly its confirmation. Nothing was sent.
    DSR_NOT_CONFIRMED = 13,
    // Cancelled by you.
    DSR_CANCELLED = 14,
    // The journal cannot be opened, read or written.
    DSR_JOURNAL = 15,
    // No archive secret that was given opens the archive.
    DSR_DECRYPT = 16,
    // The archive is damaged, or not safe to unpack.
    DSR_ARCHIVE = 17,
    // A file or folder cannot be read or written.
    DSR_IO = 18,
    // Sent, no answer, and it cannot be told whether it was carried out.
    DSR_AMBIGUOUS = 19,
    // A handle from before fork(). Make a new one in the child.
    DSR_FORK = 20,
    // A bug in dsrkit; please report it.
    DSR_INTERNAL = 99,
    // A pointer that must not be NULL was NULL.
    DSR_NULL_POINTER = 100,
    // A text is not UTF-8.
    DSR_BAD_UTF8 = 101,
    // No error: nothing happened within the time-out, or dsr_run_wakeup was called.
    DSR_NO_EVENT = 102,
    // A handle that was freed, is of another kind, or whose client was freed.
    DSR_BAD_STATE = 103,
    // No error: there is no further event or outcome.
    DSR_END = 104,
    // A bug in dsrkit that was caught at the border; please report it.
    DSR_PANIC = 199,
} dsr_status;

// Where a project's data lives.
typedef enum {
    // United States: mixpanel.com.
    DSR_REGION_US = 0,
    // European Union: eu.mixpanel.com.
    DSR_REGION_EU = 1,
    // India: in.mixpanel.com.
    DSR_REGION_IN = 2,
} dsr_region;

// What to do when a request was sent and its answer lost.
typedef enum {
    // Find out: the identical deletion is sent again, and the vendor's 409 tells. A retrieval is
    // sent once more after ambiguous_retry_after, then held.
    DSR_RESOLVE = 0,
    // Send again without finding out, up to five times within 24 hours.
    DSR_RESUBMIT = 1,
    // Leave it to a person.
    DSR_HOLD = 2,
} dsr_ambiguity;

// The law a request is made under.
typedef enum {
    // General Data Protection Regulation: one month to answer.
    DSR_GDPR = 0,
    // California Consumer Privacy Act: 45 days to answer; a retrieval covers one year.
    DSR_CCPA = 1,
} dsr_compliance;

// What a CCPA retrieval discloses.
typedef enum {
    // Not said; the vendor's default is the data. The only value that goes with GDPR.
    DSR_DISCLOSURE_UNSET = 0,
    // The data itself.
    DSR_DISCLOSURE_DATA = 1,
    // The categories of data.
    DSR_DISCLOSURE_CATEGORIES = 2,
    // The sources of data.
    DSR_DISCLOSURE_SOURCES = 3,
} dsr_disclosure;

// How much a line of the log matters.
typedef enum {
    // Something failed that nobody else is told of.
    DSR_LOG_ERROR = 1,
    // Something is not as it should be.
    DSR_LOG_WARN = 2,
    // Something that happens rarely.
    DSR_LOG_INFO = 3,
    // Each call to the vendor.
    DSR_LOG_DEBUG = 4,
    // Everything.
    DSR_LOG_TRACE = 5,
} dsr_log_level;

// An answer of the vendor, as it came; it never changes. Its body may name people.
// Owner: you; dsr_answer_free.
// Threads: any.
// Lifetime: depends on nothing; its texts live as long as it does.
typedef struct dsr_answer dsr_answer;

// A status callback whose signature fits; it never changes. It says that something may have
// changed: what is true is what the status call answers.
// Owner: you; dsr_callback_free.
// Threads: any.
// Lifetime: depends on nothing; its texts live as long as it does.
typedef struct dsr_callback dsr_callback;

// The front door to one project, with its journal.
// Owner: you; dsr_client_free.
// Threads: any, several at the same time.
// Lifetime: keeps copies of project and settings, which may be freed. Plans and runs made of it
//   give DSR_BAD_STATE once it is freed; jobs, events, outcomes, reports and errors stay.
typedef struct dsr_client dsr_client;

// How archives become packages.
// Owner: you; dsr_collect_options_free.
// Threads: any; one change at a time happens.
// Lifetime: dsr_run_collect copies them; may be used for several runs.
typedef struct dsr_collect_options dsr_collect_options;

// Mixpeek's answer to a request; it never changes.
// Owner: you; dsr_dsar_free.
// Threads: any.
// Lifetime: depends on nothing; its texts live as long as it does.
typedef struct dsr_dsar dsr_dsar;

// What went wrong.
// Owner: you, when a function has set your *err; dsr_error_free.
// Threads: any.
// Lifetime: depends on nothing; its texts live as long as it does.
typedef struct dsr_error dsr_error;

// One thing that happened in a run. Holds no id of a person and no secret.
// Owner: you; dsr_event_free.
// Threads: any.
// Lifetime: depends on nothing; its texts live as long as it does.
typedef struct dsr_event dsr_event;

// What a published workflow (gdpr-retrieval-flow, gdpr-deletion-flow) tells; it never changes.
// Owner: you; dsr_flow_free, which leaves the vendor's task alone.
// Threads: any.
// Lifetime: depends on nothing; its texts live as long as it does.
typedef struct dsr_flow dsr_flow;

// A vendor task as one answer showed it; it never changes.
// Owner: you; dsr_job_free, which leaves the vendor's task alone.
// Threads: any.
// Lifetime: depends on nothing; its texts live as long as it does.
typedef struct dsr_job dsr_job;

// A Mixpanel project: credentials and limits. Does no I/O.
// Owner: you; dsr_mixpanel_free.
// Threads: any; one change at a time happens.
// Lifetime: a client copies it, so it may be changed or freed afterwards. One made by a
//   dsr_sandbox runs by that one's clock.
typedef struct dsr_mixpanel dsr_mixpanel;

// An organisation at Mixpeek: its API key. Does no I/O.
// Owner: you; dsr_mixpeek_free.
// Threads: any; one change at a time happens.
// Lifetime: a client copies it, so it may be freed afterwards.
typedef struct dsr_mixpeek dsr_mixpeek;

// A client of one organisation at Mixpeek, with the record of its requests.
// Owner: you; dsr_mixpeek_client_free.
// Threads: any, several at the same time.
// Lifetime: keeps a copy of the organisation; its answers stay when it is freed.
typedef struct dsr_mixpeek_client dsr_mixpeek_client;

// What became of one id.
// Owner: you; dsr_outcome_free.
// Threads: any.
// Lifetime: depends on nothing; its texts live as long as it does.
typedef struct dsr_outcome dsr_outcome;

// A frozen plan: the ids, guarded, deduplicated and cut, in the journal. It never changes.
// Owner: you; dsr_plan_free, which leaves the plan in the journal.
// Threads: any, several at the same time.
// Lifetime: dsr_plan_start needs its client alive; its texts live as long as it does.
typedef struct dsr_plan dsr_plan;

// What a plan says besides its ids.
// Owner: you; dsr_plan_options_free.
// Threads: any; one change at a time happens.
// Lifetime: a plan copies them; may be used for several plans.
typedef struct dsr_plan_options dsr_plan_options;

// The account of a run at one moment; it never changes.
// Owner: you; dsr_report_free.
// Threads: any.
// Lifetime: depends on nothing; its texts live as long as it does.
typedef struct dsr_report dsr_report;

// A plan being carried out. Nothing moves unless a thread waits for it, reads its events,
// watches its dsr_run_fd or ticks its client.
// Owner: you; dsr_run_free, which leaves the run in the journal.
// Threads: any, several at the same time; each event goes to one of those that read.
// Lifetime: needs its client alive, except for dsr_run_id.
typedef struct dsr_run dsr_run;

// A simulated vendor in this process, on loopback ports. Nothing leaves the machine.
// Owner: you; dsr_sandbox_free.
// Threads: any, several at the same time.
// Lifetime: must outlive the clients that talk to it.
typedef struct dsr_sandbox dsr_sandbox;

// Limits and times.
// Owner: you; dsr_settings_free.
// Threads: any; one change at a time happens.
// Lifetime: dsr_client_new checks and copies them.
typedef struct dsr_settings dsr_settings;

// Is handed one line of the log, a dsr_log_level, and the user_or_null of dsr_log_set. The line is
// gone when it returns. It must return: no longjmp, no C++ exception.
typedef void (*dsr_log_callback)(int level, const char *line, void *user);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The library's version, such as "0.1.0". Never NULL, never freed.
const char *dsr_version(void);

// DSR_ABI_VERSION of the library that was loaded; compare it with the header's.
uint32_t dsr_abi_version(void);

// The name of a status, such as "DSR_RATE_LIMITED"; "DSR_UNKNOWN" for a number that this library
// does not know. Never NULL, never freed.
const char *dsr_status_name(int status);

// Frees an error. NULL is fine.
void dsr_error_free(dsr_error *error);

// Its status: the same value that the function returned.
dsr_status dsr_error_code(const dsr_error *error);

// One line that says what is wrong. Holds no id of a person, no token, no signed link.
const char *dsr_error_message(const dsr_error *error);

// One line that says what you can do about it.
const char *dsr_error_hint(const dsr_error *error);

// Milliseconds to wait before trying again; -1 when that is not known.
int64_t dsr_error_retry_after_ms(const dsr_error *error);

// The HTTP status that the vendor answered; 0 for none.
int dsr_error_http_status(const dsr_error *error);

// The vendor task it is about; NULL for none.
const char *dsr_error_job_id(const dsr_error *error);

// How many running tasks a conflict names.
size_t dsr_error_n_tasks(const dsr_error *error);

// One of them, counted from 0; NULL past the last.
const char *dsr_error_task_id(const dsr_error *error, size_t index);

// How many particulars it names, such as the row of a file; dsr_error_message holds them too.
size_t dsr_error_n_context(const dsr_error *error);

// A particular's name, counted from 0; NULL past the last.
const char *dsr_error_context_name(const dsr_error *error, size_t index);

// Its value; NULL past the last.
const char *dsr_error_context_value(const dsr_error *error, size_t index);

// Whether the same call may work later. Runs try again by themselves.
bool dsr_error_is_retryable(const dsr_error *error);

// Whether the vendor saw the request: "no", "maybe" or "yes".
const char *dsr_error_sent(const dsr_error *error);

// Frees a text that a function gave as `char **`. NULL, and a text that was freed before, are
// ignored.
void dsr_string_free(char *text);

// Sets the function that gets the log, one for the whole process; NULL for none, the default.
// Lines up to max_level (a dsr_log_level) are handed over by threads that are inside a function of
// this library, while they wait or before they return, and never while a lock is held. The callback
// may call every function that does not wait for the vendor (those give DSR_BAD_STATE), except this
// one. Several threads may call it at the same time. When this function returns, no earlier callback
// runs any more. No line holds an id of a person or a secret.
dsr_status dsr_log_set(dsr_log_callback callback_or_null,
                       void *user_or_null,
                       int max_level,
                       dsr_error **err);

// A project by its token and the OAuth token of an owner or admin (it lives one year). Region US.
// DSR_CONFIG for a token that is empty or holds a blank or a line end.
dsr_status dsr_mixpanel_new(const char *project_token,
                            const char *oauth_token,
                            dsr_mixpanel **mixpanel,
                            dsr_error **err);

// A project by the variables DSRKIT_MIXPANEL_PROJECT_TOKEN, _OAUTH_TOKEN, _REGION,
// _ARCHIVE_SECRET and _BASE_URL of the environment. Each may be given as a file's name in a variable
// ending in _FILE instead. DSR_CONFIG names what is missing.
dsr_status dsr_mixpanel_from_env(dsr_mixpanel **mixpanel,
                                 dsr_error **err);

// Frees a project. NULL is fine.
void dsr_mixpanel_free(dsr_mixpanel *mixpanel);

// Replaces both tokens; everything else is kept.
dsr_status dsr_mixpanel_set_tokens(dsr_mixpanel *mixpanel,
                                   const char *project_token,
                                   const char *oauth_token,
                                   dsr_error **err);

// Where the project's data lives, a dsr_region. Default: DSR_REGION_US.
dsr_status dsr_mixpanel_set_region(dsr_mixpanel *mixpanel, int region, dsr_error **err);

// Another residency, a proxy or a sandbox, such as "https://eu.mixpanel.com/api/app". Overrides
// the region. http only for this machine. Default: the region's.
dsr_status dsr_mixpanel_set_base_url(dsr_mixpanel *mixpanel, const char *url, dsr_error **err);

// The version of the vendor's API: "3.0", or "2.0" (GDPR only, one person per retrieval, retrievals
// can be cancelled). A journal belongs to one of them. Default: "3.0".
dsr_status dsr_mixpanel_set_api_version(dsr_mixpanel *mixpanel,
                                        const char *version,
                                        dsr_error **err);

// How many data groups (group analytics keys) the project has, 0 to 1999. A deletion request
// holds 2000 / (groups + 1) ids, 1999 without groups. Default: 0.
dsr_status dsr_mixpanel_set_data_groups(dsr_mixpanel *mixpanel, uint32_t groups, dsr_error **err);

// Sends a subject_request_id with each request: a UUID of ours that the vendor echoes, so that a
// task can be told to be ours. Only for projects for which the vendor has enabled status
// callbacks. Default: false.
dsr_status dsr_mixpanel_set_subject_request_ids(dsr_mixpanel *mixpanel, bool yes, dsr_error **err);

// Asks the vendor to tell the status of each task to this address too: https, at most five.
// Requests then carry a subject_request_id. What receives there hands it to dsr_callback_verify
// and dsr_client_receive_callback. Default: none.
dsr_status dsr_mixpanel_add_status_callback_url(dsr_mixpanel *mixpanel,
                                                const char *url,
                                                dsr_error **err);

// Adds a candidate for the secret that opens archives (the project's API secret). Candidates are
// tried in the order given. Default: none.
dsr_status dsr_mixpanel_add_archive_secret(dsr_mixpanel *mixpanel,
                                           const char *secret,
                                           dsr_error **err);

// Adds a host that archives may be fetched from, exact or as ".suffix". Default: the vendor's
// store, storage.googleapis.com and its sub-domains.
dsr_status dsr_mixpanel_add_archive_host(dsr_mixpanel *mixpanel, const char *host, dsr_error **err);

// Where the project's data lives, a dsr_region; -1 when a base URL was set.
int dsr_mixpanel_region(const dsr_mixpanel *mixpanel);

// The URL that calls go to. Free the text with dsr_string_free.
dsr_status dsr_mixpanel_base_url(const dsr_mixpanel *mixpanel, char **url, dsr_error **err);

// The most ids of one retrieval request; -1 for a handle that is not alive.
int64_t dsr_mixpanel_retrieval_limit(const dsr_mixpanel *mixpanel);

// The most ids of one deletion request; -1 for a handle that is not alive.
int64_t dsr_mixpanel_deletion_limit(const dsr_mixpanel *mixpanel);

// The default settings.
dsr_status dsr_settings_new(dsr_settings **settings, dsr_error **err);

// Frees settings. NULL is fine.
void dsr_settings_free(dsr_settings *settings);

// Calls per second to one project, over all kinds of calls, up to 1000. Default: 1.0, the
// vendor's documented limit.
dsr_status dsr_settings_set_requests_per_second(dsr_settings *settings,
                                                double rate,
                                                dsr_error **err);

// How long one call may take, connecting included, in milliseconds. Default: 60000.
dsr_status dsr_settings_set_request_timeout_ms(dsr_settings *settings, int64_t ms, dsr_error **err);

// How long connecting may take, in milliseconds. Default: 10000.
dsr_status dsr_settings_set_connect_timeout_ms(dsr_settings *settings, int64_t ms, dsr_error **err);

// The first wait after a refusal or a failure, in milliseconds; it doubles from there, with
// jitter. Default: 1000.
dsr_status dsr_settings_set_backoff_initial_ms(dsr_settings *settings, int64_t ms, dsr_error **err);

// The longest such wait, in milliseconds. Waiting itself has no end. Default: 600000.
dsr_status dsr_settings_set_backoff_max_ms(dsr_settings *settings, int64_t ms, dsr_error **err);

// How much waiting one request is worth, in milliseconds: with less, jobs are looked at, and room in
// the scan budget is tried for, more often. Default: 30000, found by measurement.
dsr_status dsr_settings_set_request_worth_ms(dsr_settings *settings,
                                             int64_t ms,
                                             dsr_error **err);

// The shortest wait between two looks at a job, in milliseconds. Default: 2000.
dsr_status dsr_settings_set_poll_initial_ms(dsr_settings *settings, int64_t ms, dsr_error **err);

// The longest wait between two looks at a job, and between two tries for room in the scan budget,
// in milliseconds. Default: 21600000.
dsr_status dsr_settings_set_poll_max_ms(dsr_settings *settings, int64_t ms, dsr_error **err);

// How long to wait before a retrieval whose answer was lost is sent once more, in milliseconds.
// Default: 900000.
dsr_status dsr_settings_set_ambiguous_retry_after_ms(dsr_settings *settings,
                                                     int64_t ms,
                                                     dsr_error **err);

// How long NOT_FOUND or UNKNOWN may last before a job counts as lost and is held, in
// milliseconds. Default: 86400000.
dsr_status dsr_settings_set_lost_after_ms(dsr_settings *settings, int64_t ms, dsr_error **err);

// Days of outstanding scans that the vendor allows per project. Default: 1826, about 5 years.
dsr_status dsr_settings_set_scan_budget_days(dsr_settings *settings,
                                             uint32_t days,
                                             dsr_error **err);

// Days since the project's first event: what one retrieval scans. 0: not known. Default: 0.
dsr_status dsr_settings_set_project_age_days(dsr_settings *settings,
                                             uint32_t days,
                                             dsr_error **err);

// What to do when an answer was lost, a dsr_ambiguity. Default: DSR_RESOLVE.
dsr_status dsr_settings_set_on_ambiguous(dsr_settings *settings, int policy, dsr_error **err);

// The most people one deletion plan may name. Raise it knowingly. Default: 10000.
dsr_status dsr_settings_set_max_ids_per_deletion_plan(dsr_settings *settings,
                                                      uint64_t ids,
                                                      dsr_error **err);

// The largest archive, unpacked, in bytes. Default: 50 GiB.
dsr_status dsr_settings_set_archive_max_bytes(dsr_settings *settings,
                                              uint64_t bytes,
                                              dsr_error **err);

// How long the journal keeps the ids of a deletion after its end, in milliseconds; then only keyed
// digests of them stay. Default: 0, since the list of the erased is the very data to erase.
dsr_status dsr_settings_set_keep_deleted_for_ms(dsr_settings *settings,
                                                int64_t ms,
                                                dsr_error **err);

// How long the journal keeps the ids of a retrieval after its packages were written, in
// milliseconds. Without them the packages cannot be written again. Default: 604800000, a week.
dsr_status dsr_settings_set_keep_retrieved_for_ms(dsr_settings *settings,
                                                  int64_t ms,
                                                  dsr_error **err);

// Encrypts the ids in the journal with this key of 32 random bytes, which must lie elsewhere than
// the journal: without it they are lost. For a journal that is new or was made with the same key.
// NULL, the default: not encrypted.
dsr_status dsr_settings_set_journal_key(dsr_settings *settings,
                                        const uint8_t *key_or_null,
                                        size_t key_bytes,
                                        dsr_error **err);

// A proxy for all calls; the environment's proxy variables are never used. NULL, the default: none.
dsr_status dsr_settings_set_proxy(dsr_settings *settings, const char *url_or_null, dsr_error **err);

// A PEM file of certificate authorities to trust besides the system's. NULL, the default: none.
dsr_status dsr_settings_set_ca_bundle(dsr_settings *settings,
                                      const char *path_or_null,
                                      dsr_error **err);

// Calls per second to one project; 0 when that is left to the vendor (Mixpanel's documented 1), and
// for a handle that is not alive.
double dsr_settings_requests_per_second(const dsr_settings *settings);

// How long one call may take, in milliseconds; -1 for a handle that is not alive, as below.
int64_t dsr_settings_request_timeout_ms(const dsr_settings *settings);

// How long connecting may take, in milliseconds.
int64_t dsr_settings_connect_timeout_ms(const dsr_settings *settings);

// The first wait after a refusal or a failure, in milliseconds.
int64_t dsr_settings_backoff_initial_ms(const dsr_settings *settings);

// The longest such wait, in milliseconds.
int64_t dsr_settings_backoff_max_ms(const dsr_settings *settings);

// How much waiting one request is worth, in milliseconds.
int64_t dsr_settings_request_worth_ms(const dsr_settings *settings);

// The shortest wait between two looks at a job, in milliseconds.
int64_t dsr_settings_poll_initial_ms(const dsr_settings *settings);

// The longest wait between two looks at a job, in milliseconds.
int64_t dsr_settings_poll_max_ms(const dsr_settings *settings);

// How long to wait before a retrieval whose answer was lost is sent once more, in milliseconds.
int64_t dsr_settings_ambiguous_retry_after_ms(const dsr_settings *settings);

// How long a job may not be found before it counts as lost, in milliseconds.
int64_t dsr_settings_lost_after_ms(const dsr_settings *settings);

// How long the journal keeps the ids of a deletion after its end, in milliseconds.
int64_t dsr_settings_keep_deleted_for_ms(const dsr_settings *settings);

// How long the journal keeps the ids of a retrieval after its packages were written, in
// milliseconds.
int64_t dsr_settings_keep_retrieved_for_ms(const dsr_settings *settings);

// Days of outstanding scans that the vendor allows per project; 0 for a handle that is not alive.
uint32_t dsr_settings_scan_budget_days(const dsr_settings *settings);

// Days since the project's first event; 0 when it is not known.
uint32_t dsr_settings_project_age_days(const dsr_settings *settings);

// The most people one deletion plan may name; 0 for a handle that is not alive.
uint64_t dsr_settings_max_ids_per_deletion_plan(const dsr_settings *settings);

// The largest archive, unpacked, in bytes; 0 for a handle that is not alive.
uint64_t dsr_settings_archive_max_bytes(const dsr_settings *settings);

// What to do when an answer was lost, a dsr_ambiguity; -1 for a handle that is not alive.
int dsr_settings_on_ambiguous(const dsr_settings *settings);

// The proxy for all calls, NULL for none. Free the text with dsr_string_free.
dsr_status dsr_settings_proxy(const dsr_settings *settings, char **url, dsr_error **err);

// The PEM file of further certificate authorities, NULL for none. Free the text with
// dsr_string_free.
dsr_status dsr_settings_ca_bundle(const dsr_settings *settings, char **path, dsr_error **err);

// The default options of a plan.
dsr_status dsr_plan_options_new(dsr_plan_options **options, dsr_error **err);

// Frees options. NULL is fine.
void dsr_plan_options_free(dsr_plan_options *options);

// The law, a dsr_compliance. Default: DSR_GDPR.
dsr_status dsr_plan_options_set_compliance(dsr_plan_options *options, int law, dsr_error **err);

// CCPA retrievals: what is disclosed, a dsr_disclosure. Default: DSR_DISCLOSURE_UNSET.
dsr_status dsr_plan_options_set_disclosure(dsr_plan_options *options, int what, dsr_error **err);

// Your own case number. Kept in the journal and in reports, never sent. NULL, the default: none.
dsr_status dsr_plan_options_set_reference(dsr_plan_options *options,
                                          const char *reference_or_null,
                                          dsr_error **err);

// When the request reached you, in milliseconds since 1970 (UTC), at most a day ahead of the
// client's clock. Default: now.
dsr_status dsr_plan_options_set_received_at_ms(dsr_plan_options *options,
                                               int64_t at_ms,
                                               dsr_error **err);

// When the answer is due, in milliseconds since 1970 (UTC), not before it was received. Default: 30
// days after it was received (GDPR), 45 days (CCPA).
dsr_status dsr_plan_options_set_deadline_ms(dsr_plan_options *options,
                                            int64_t at_ms,
                                            dsr_error **err);

// Accepts ids that look like mistakes ("null", blanks at the ends, header words); never the empty
// one. Default: false.
dsr_status dsr_plan_options_set_allow_unusual(dsr_plan_options *options, bool yes, dsr_error **err);

// Retrievals: leaves ids out that cannot be used, and reports them. Default: false.
dsr_status dsr_plan_options_set_skip_bad(dsr_plan_options *options, bool yes, dsr_error **err);

// Deletions: waits this long after the start before anything is sent, in milliseconds. Default: 0.
dsr_status dsr_plan_options_set_hold_for_ms(dsr_plan_options *options, int64_t ms, dsr_error **err);

// Retrievals: the folder for archives as received. NULL, the default: "<journal>.archives".
dsr_status dsr_plan_options_set_archives(dsr_plan_options *options,
                                         const char *path_or_null,
                                         dsr_error **err);

// Plans of a .csv or .jsonl file: the column or key that holds the ids. NULL, the default: the one
// that is called distinct_id, else $distinct_id, else the only one.
dsr_status dsr_plan_options_set_column(dsr_plan_options *options,
                                       const char *column_or_null,
                                       dsr_error **err);

// The default options of collecting.
dsr_status dsr_collect_options_new(dsr_collect_options **options, dsr_error **err);

// Frees options. NULL is fine.
void dsr_collect_options_free(dsr_collect_options *options);

// Also keeps each archive's members untouched. Default: false.
dsr_status dsr_collect_options_set_raw(dsr_collect_options *options, bool yes, dsr_error **err);

// Accepts archives that are not encrypted. Default: false.
dsr_status dsr_collect_options_set_allow_plain(dsr_collect_options *options,
                                               bool yes,
                                               dsr_error **err);

// Adds a candidate for the secret that opens archives, after those of the project.
dsr_status dsr_collect_options_add_secret(dsr_collect_options *options,
                                          const char *secret,
                                          dsr_error **err);

// Whether packages hold pages for people besides the files of data. Default: true.
dsr_status dsr_collect_options_set_html(dsr_collect_options *options, bool yes, dsr_error **err);

// The zone of the times on pages and in tables, such as "Europe/Berlin". Default: UTC.
dsr_status dsr_collect_options_set_timezone(dsr_collect_options *options,
                                            const char *zone,
                                            dsr_error **err);

// The language of pages: "en" (default), "de", "fr", "es", or one that the folder of templates
// holds.
dsr_status dsr_collect_options_set_language(dsr_collect_options *options,
                                            const char *language,
                                            dsr_error **err);

// A folder with templates and texts of your own. Default: none.
dsr_status dsr_collect_options_set_templates(dsr_collect_options *options,
                                             const char *folder,
                                             dsr_error **err);

// Makes each package a zip (AES-256) that this passphrase opens, instead of a folder. Default: off.
dsr_status dsr_collect_options_set_protect(dsr_collect_options *options,
                                           const char *passphrase,
                                           dsr_error **err);

// A client with its journal: the path of an SQLite file, made when it is not there, a
// "postgresql://" URL (docs/OPERATIONS.md), or ":memory:". While another process works with the
// journal it opens for reading. Sends nothing.
// DSR_CONFIG for settings that cannot work and for a journal of another project.
dsr_status dsr_client_new(const dsr_mixpanel *mixpanel,
                          const dsr_settings *settings_or_null,
                          const char *journal,
                          dsr_client **client,
                          dsr_error **err);

// The same client, whose single calls (dsr_client_create_deletion and its like, the flows,
// dsr_client_raw) have the time-outs, back-off, proxy and authorities of these settings. Journal,
// pace and runs are shared, and runs go by the settings of the client that was made first:
// DSR_CONFIG for settings that differ in anything else (a journal key is not looked at). Freeing
// the first one ends both, and the journal closes when both are freed; freeing this one ends nothing.
dsr_status dsr_client_with_settings(const dsr_client *client,
                                    const dsr_settings *settings,
                                    dsr_client **other,
                                    dsr_error **err);

// Frees a client: ends every wait of other threads (they get DSR_BAD_STATE), lets the call under
// way be recorded, removes ids whose time is over from the journal and stops its threads, in 4
// seconds at most. The journal closes when the client's plans and runs are freed too. NULL is
// fine.
void dsr_client_free(dsr_client *client);

// A run by its id, from any process, at any time. DSR_NOT_FOUND if the journal has none.
dsr_status dsr_client_run(const dsr_client *client,
                          const char *run_id,
                          dsr_run **run,
                          dsr_error **err);

// All plans and runs of the journal, oldest first, as a JSON list of objects with "id", "kind",
// "state" and "subjects". Free the text with dsr_string_free.
dsr_status dsr_client_runs(const dsr_client *client, char **json, dsr_error **err);

// Does what is due now over all runs of the journal, and tells when something is due next, in
// milliseconds since 1970 (UTC); -1 for never. For programs that are started from time to time.
dsr_status dsr_client_tick(const dsr_client *client, int64_t *next_due_ms, dsr_error **err);

// Frees a job; the vendor's task goes on. NULL is fine.
void dsr_job_free(dsr_job *job);

// The vendor's task id: opaque text, 19 digits or a UUID.
const char *dsr_job_id(const dsr_job *job);

// "retrieval" or "deletion".
const char *dsr_job_kind(const dsr_job *job);

// An upper-case word: PENDING, STAGING, STARTED, SUCCESS, FAILURE, REVOKED, NOT_FOUND, UNKNOWN,
// or one that the vendor has not documented.
const char *dsr_job_status(const dsr_job *job);

// When the vendor took the request (UTC), as it wrote it; NULL when it did not say.
const char *dsr_job_requested_at(const dsr_job *job);

// The signed link of a finished retrieval's archive, NULL otherwise. It opens without credentials
// for 14 days: treat it as a secret.
const char *dsr_job_download_url(const dsr_job *job);

// Makes a retrieval task for at most 2000 ids (version 2.0: for one), under a dsr_compliance, disclosing a
// dsr_disclosure. The status of a new job is PENDING; look again with dsr_client_get_retrieval.
dsr_status dsr_client_create_retrieval(const dsr_client *client,
                                       const char *const *ids,
                                       size_t n_ids,
                                       int compliance,
                                       int disclosure,
                                       dsr_job **job,
                                       dsr_error **err);

// dsr_client_create_retrieval with the ids' lengths in bytes.
dsr_status dsr_client_create_retrieval_n(const dsr_client *client,
                                         const char *const *ids,
                                         const size_t *lengths,
                                         size_t n_ids,
                                         int compliance,
                                         int disclosure,
                                         dsr_job **job,
                                         dsr_error **err);

// Makes a deletion task for at most 1999 ids, under a dsr_compliance. Irreversible, and without
// the confirmation and the journal of a plan.
dsr_status dsr_client_create_deletion(const dsr_client *client,
                                      const char *const *ids,
                                      size_t n_ids,
                                      int compliance,
                                      dsr_job **job,
                                      dsr_error **err);

// dsr_client_create_deletion with the ids' lengths in bytes.
dsr_status dsr_client_create_deletion_n(const dsr_client *client,
                                        const char *const *ids,
                                        const size_t *lengths,
                                        size_t n_ids,
                                        int compliance,
                                        dsr_job **job,
                                        dsr_error **err);

// The status of a retrieval task: NOT_FOUND for one that the vendor says it does not know, which is
// no error; DSR_NOT_FOUND when it answers 404.
dsr_status dsr_client_get_retrieval(const dsr_client *client,
                                    const char *task_id,
                                    dsr_job **job,
                                    dsr_error **err);

// The status of a deletion task: NOT_FOUND for one that the vendor says it does not know, which is
// no error; DSR_NOT_FOUND when it answers 404.
dsr_status dsr_client_get_deletion(const dsr_client *client,
                                   const char *task_id,
                                   dsr_job **job,
                                   dsr_error **err);

// Cancels a retrieval, where the vendor's API version offers it; DSR_CONFIG with version 3.0.
dsr_status dsr_client_cancel_retrieval(const dsr_client *client,
                                       const char *task_id,
                                       dsr_error **err);

// Cancels a deletion that has not started; DSR_TOO_LATE if it has.
dsr_status dsr_client_cancel_deletion(const dsr_client *client,
                                      const char *task_id,
                                      dsr_error **err);

// Frees what a workflow told; the vendor's task goes on. NULL is fine.
void dsr_flow_free(dsr_flow *flow);

// The vendor's task id.
const char *dsr_flow_task_id(const dsr_flow *flow);

// The task's status at the last look, an upper-case word; see dsr_job_status.
const char *dsr_flow_task_status(const dsr_flow *flow);

// The signed link of a finished retrieval's archive, NULL otherwise: treat it as a secret.
const char *dsr_flow_download_url(const dsr_flow *flow);

// The published workflow gdpr-retrieval-flow: makes a retrieval task for these ids, under a
// dsr_compliance, and looks at it, once, or with wait until it has ended. No journal: a run keeps
// the task's id.
dsr_status dsr_client_retrieval_flow(const dsr_client *client,
                                     const char *const *ids,
                                     size_t n_ids,
                                     int compliance,
                                     bool wait,
                                     dsr_flow **flow,
                                     dsr_error **err);

// dsr_client_retrieval_flow with the ids' lengths in bytes.
dsr_status dsr_client_retrieval_flow_n(const dsr_client *client,
                                       const char *const *ids,
                                       const size_t *lengths,
                                       size_t n_ids,
                                       int compliance,
                                       bool wait,
                                       dsr_flow **flow,
                                       dsr_error **err);

// The published workflow gdpr-deletion-flow, see dsr_client_retrieval_flow. Irreversible, and
// without the confirmation and the journal of a plan.
dsr_status dsr_client_deletion_flow(const dsr_client *client,
                                    const char *const *ids,
                                    size_t n_ids,
                                    int compliance,
                                    bool wait,
                                    dsr_flow **flow,
                                    dsr_error **err);

// dsr_client_deletion_flow with the ids' lengths in bytes.
dsr_status dsr_client_deletion_flow_n(const dsr_client *client,
                                      const char *const *ids,
                                      const size_t *lengths,
                                      size_t n_ids,
                                      int compliance,
                                      bool wait,
                                      dsr_flow **flow,
                                      dsr_error **err);

// One call of the vendor's API that has no function here, at the project's pace and with its
// credentials, such as "GET" of "/data-deletions/v3.0/123/". The path stands below the base URL and
// may hold a query; json_or_null is the body. Gives the answer whatever its HTTP status. Nothing is
// repeated or journaled, and nobody asks for a confirmation.
dsr_status dsr_client_raw(const dsr_client *client,
                          const char *method,
                          const char *path,
                          const char *json_or_null,
                          dsr_answer **answer,
                          dsr_error **err);

// Frees an answer. NULL is fine.
void dsr_answer_free(dsr_answer *answer);

// The HTTP status, such as 200; 0 for a handle that is not alive.
int dsr_answer_http_status(const dsr_answer *answer);

// How many headers the answer has. A header that is not text is left out.
size_t dsr_answer_n_headers(const dsr_answer *answer);

// The name of a header, in small letters; NULL past the last.
const char *dsr_answer_header_name(const dsr_answer *answer, size_t index);

// The value of a header; NULL past the last.
const char *dsr_answer_header_value(const dsr_answer *answer, size_t index);

// The body: dsr_answer_body_bytes bytes, at most 16 MiB, and a NUL behind them.
const char *dsr_answer_body(const dsr_answer *answer);

// The bytes of the body, without the NUL.
size_t dsr_answer_body_bytes(const dsr_answer *answer);

// Freezes a plan to give people their data. Any number of ids, used exactly as given; reading them
// blocks. DSR_INVALID_INPUT names the positions of ids that cannot be used. Nothing is sent.
dsr_status dsr_client_plan_retrieval(const dsr_client *client,
                                     const char *const *ids,
                                     size_t n_ids,
                                     const dsr_plan_options *options_or_null,
                                     dsr_plan **plan,
                                     dsr_error **err);

// dsr_client_plan_retrieval with the ids' lengths in bytes.
dsr_status dsr_client_plan_retrieval_n(const dsr_client *client,
                                       const char *const *ids,
                                       const size_t *lengths,
                                       size_t n_ids,
                                       const dsr_plan_options *options_or_null,
                                       dsr_plan **plan,
                                       dsr_error **err);

// dsr_client_plan_retrieval with the ids of a file: .csv, .jsonl, or text with one id a line; UTF-8.
dsr_status dsr_client_plan_retrieval_file(const dsr_client *client,
                                          const char *path,
                                          const dsr_plan_options *options_or_null,
                                          dsr_plan **plan,
                                          dsr_error **err);

// Freezes a plan to erase people's data. Any number of ids up to max_ids_per_deletion_plan, used
// exactly as given; reading them blocks. DSR_INVALID_INPUT names the positions of ids that cannot
// be used. Nothing is sent.
dsr_status dsr_client_plan_deletion(const dsr_client *client,
                                    const char *const *ids,
                                    size_t n_ids,
                                    const dsr_plan_options *options_or_null,
                                    dsr_plan **plan,
                                    dsr_error **err);

// dsr_client_plan_deletion with the ids' lengths in bytes.
dsr_status dsr_client_plan_deletion_n(const dsr_client *client,
                                      const char *const *ids,
                                      const size_t *lengths,
                                      size_t n_ids,
                                      const dsr_plan_options *options_or_null,
                                      dsr_plan **plan,
                                      dsr_error **err);

// dsr_client_plan_deletion with the ids of a file: .csv, .jsonl, or text with one id a line; UTF-8.
dsr_status dsr_client_plan_deletion_file(const dsr_client *client,
                                         const char *path,
                                         const dsr_plan_options *options_or_null,
                                         dsr_plan **plan,
                                         dsr_error **err);

// Frees a plan's handle; the plan stays in the journal. NULL is fine.
void dsr_plan_free(dsr_plan *plan);

// The plan's id; the run made of it has the same.
const char *dsr_plan_id(const dsr_plan *plan);

// "retrieval" or "deletion".
const char *dsr_plan_kind(const dsr_plan *plan);

// Distinct people.
uint64_t dsr_plan_subjects(const dsr_plan *plan);

// Rows that repeated an id; they were merged.
uint64_t dsr_plan_duplicates(const dsr_plan *plan);

// When the law wants the answer, in milliseconds since 1970 (UTC).
int64_t dsr_plan_deadline_ms(const dsr_plan *plan);

// Requests that will be sent.
uint32_t dsr_plan_batches(const dsr_plan *plan);

// Rows that were left out (skip_bad); the report tells which and why.
uint64_t dsr_plan_refused(const dsr_plan *plan);

// Your own case number; NULL for none.
const char *dsr_plan_reference(const dsr_plan *plan);

// What confirms this plan, such as "4812:1a2b3c4d": the count of people, and the first eight
// digits of the plan's digest. Show it to a person before you pass it to dsr_plan_start.
const char *dsr_plan_confirm(const dsr_plan *plan);

// One line for people: requests, the least time to send them, and the expected end where it is
// known.
const char *dsr_plan_estimate(const dsr_plan *plan);

// The least time to send all requests at the project's pace, in milliseconds.
int64_t dsr_plan_sending_ms(const dsr_plan *plan);

// All calls that are expected, with refused creates and looks at jobs; -1 when no job of this kind
// has ended in this project yet.
int64_t dsr_plan_expected_requests(const dsr_plan *plan);

// Milliseconds from the start to the end of the last job, at the least, as it would come in four
// of five cases; -1 when no job of this kind has ended in this project yet.
int64_t dsr_plan_expected_min_ms(const dsr_plan *plan);

// The same, at the most.
int64_t dsr_plan_expected_max_ms(const dsr_plan *plan);

// What the end hangs on: "rate", "scan budget" or "not known".
const char *dsr_plan_expected_bound(const dsr_plan *plan);

// Starts a plan. A deletion needs exactly its dsr_plan_confirm, else DSR_NOT_CONFIRMED; a
// retrieval needs none. Sending begins when the run is waited for, or its events are read.
// Starting twice is starting once.
dsr_status dsr_plan_start(const dsr_plan *plan,
                          const char *confirm_or_null,
                          dsr_run **run,
                          dsr_error **err);

// Starts a plan if it names exactly so many people, else DSR_NOT_CONFIRMED: for programs that plan
// and start in one step and know the number from elsewhere.
dsr_status dsr_plan_start_counted(const dsr_plan *plan,
                                  uint64_t people,
                                  dsr_run **run,
                                  dsr_error **err);

// dsr_client_plan_retrieval and dsr_plan_start in one step. Sending begins when the run is waited
// for, or its events are read.
dsr_status dsr_client_retrieve(const dsr_client *client,
                               const char *const *ids,
                               size_t n_ids,
                               const dsr_plan_options *options_or_null,
                               dsr_run **run,
                               dsr_error **err);

// dsr_client_retrieve with the ids' lengths in bytes.
dsr_status dsr_client_retrieve_n(const dsr_client *client,
                                 const char *const *ids,
                                 const size_t *lengths,
                                 size_t n_ids,
                                 const dsr_plan_options *options_or_null,
                                 dsr_run **run,
                                 dsr_error **err);

// dsr_client_retrieve with the ids of a file, see dsr_client_plan_retrieval_file.
dsr_status dsr_client_retrieve_file(const dsr_client *client,
                                    const char *path,
                                    const dsr_plan_options *options_or_null,
                                    dsr_run **run,
                                    dsr_error **err);

// dsr_client_plan_deletion and dsr_plan_start_counted in one step: starts only if the ids are
// exactly so many people, else DSR_NOT_CONFIRMED and nothing is sent. Irreversible.
// Sending begins when the run is waited for, or its events are read.
dsr_status dsr_client_delete(const dsr_client *client,
                             const char *const *ids,
                             size_t n_ids,
                             uint64_t people,
                             const dsr_plan_options *options_or_null,
                             dsr_run **run,
                             dsr_error **err);

// dsr_client_delete with the ids' lengths in bytes.
dsr_status dsr_client_delete_n(const dsr_client *client,
                               const char *const *ids,
                               const size_t *lengths,
                               size_t n_ids,
                               uint64_t people,
                               const dsr_plan_options *options_or_null,
                               dsr_run **run,
                               dsr_error **err);

// dsr_client_delete with the ids of a file, see dsr_client_plan_deletion_file.
dsr_status dsr_client_delete_file(const dsr_client *client,
                                  const char *path,
                                  uint64_t people,
                                  const dsr_plan_options *options_or_null,
                                  dsr_run **run,
                                  dsr_error **err);

// Frees a run's handle; the run stays in the journal, and dsr_client_run finds it again. NULL is
// fine.
void dsr_run_free(dsr_run *run);

// The run's id: keep it to go on in another process.
const char *dsr_run_id(const dsr_run *run);

// The plan that the run carries out; for a plan that another process froze, what to start.
dsr_status dsr_run_plan(const dsr_run *run, dsr_plan **plan, dsr_error **err);

// Waits until nothing more can happen without a person: the run is finished, held or cancelled.
// DSR_DEADLINE after timeout_ms (-1: no limit; any other below 0 counts as 0), which does the run no
// harm.
dsr_status dsr_run_wait(const dsr_run *run,
                        int64_t timeout_ms,
                        dsr_report **report,
                        dsr_error **err);

// Cancels what can be cancelled, and tells what could not.
dsr_status dsr_run_cancel(const dsr_run *run, dsr_report **report, dsr_error **err);

// Tells what to do about a batch that waits for a person (the report's problems name it):
// "send_again" (a deletion needs confirm_people, the number of the batch's people; else 0),
// "follow" with the vendor task that carries it (it must name exactly the batch's ids), or
// "give_up" (its people end as "cancelled" if nothing of them was ever sent, else as "failed").
// Nothing is sent before the run is waited for again. task_id_or_null goes with "follow" only.
dsr_status dsr_run_decide(const dsr_run *run,
                          uint32_t batch,
                          const char *decision,
                          const char *task_id_or_null,
                          uint64_t confirm_people,
                          dsr_report **report,
                          dsr_error **err);

// The account now, finished or not.
dsr_status dsr_run_report(const dsr_run *run, dsr_report **report, dsr_error **err);

// Retrievals: decrypts, unpacks and splits the archives on this disk, one package per person
// under the folder. An archive that cannot be used is a problem in the report; the others are
// finished. May be repeated.
dsr_status dsr_run_collect(const dsr_run *run,
                           const char *folder,
                           const dsr_collect_options *options_or_null,
                           dsr_report **report,
                           dsr_error **err);

// "retrieval" or "deletion"; NULL when the journal cannot be read.
const char *dsr_run_kind(const dsr_run *run);

// Where the run stands: "planned", "running", "waiting", "paused" (credentials), "held",
// "finished" or "cancelled". The text is never freed.
dsr_status dsr_run_state(const dsr_run *run, const char **state, dsr_error **err);

// When something of the run is due next, in milliseconds since 1970 (UTC); -1 when nothing is.
dsr_status dsr_run_next_due_ms(const dsr_run *run, int64_t *next_due_ms, dsr_error **err);

// What the run waits for: "rate", "scan budget", "back-off", "poll", "deadline" or "hold_for"; NULL for
// nothing. The text is never freed.
dsr_status dsr_run_waiting_for(const dsr_run *run,
                               const char **reason,
                               dsr_error **err);

// How many ids have this outcome now (a word of dsr_outcome_word). DSR_INVALID_INPUT for any other
// word.
dsr_status dsr_run_count(const dsr_run *run, const char *word, uint64_t *ids, dsr_error **err);

// The vendor tasks now, as a JSON list of objects with "task_id", "status", "origin", "ids",
// "cancel" and "polls". Free the text with dsr_string_free.
dsr_status dsr_run_jobs(const dsr_run *run, char **json, dsr_error **err);

// The next event, from the run's first one on; reading drives the run. Waits timeout_ms at most,
// without limit when that is -1; any other below 0 counts as 0. DSR_NO_EVENT when nothing happened in that time or
// dsr_run_wakeup was called, DSR_END when nothing more can happen without a person; neither is an
// error. An error (DSR_UNAUTHENTICATED, for example) may be mended and reading go on.
dsr_status dsr_run_next_event(const dsr_run *run,
                              int64_t timeout_ms,
                              dsr_event **event,
                              dsr_error **err);

// Makes the dsr_run_next_event under way, or else the next one, return DSR_NO_EVENT at once. From
// any thread; not from a signal handler.
dsr_status dsr_run_wakeup(const dsr_run *run, dsr_error **err);

// For programs that wait with poll, epoll or select: a file descriptor that is readable when
// dsr_run_next_event with timeout_ms 0 has something to give. From then on the client's own thread
// drives the run. After DSR_END or an error, it is not readable again before dsr_run_next_event was
// called once more; when the client was freed, it hangs up. Never read or close it: it is closed
// with dsr_run_free. The same number at each call.
dsr_status dsr_run_fd(const dsr_run *run, int *fd, dsr_error **err);

// Frees an event. NULL is fine.
void dsr_event_free(dsr_event *event);

// One word: "planned", "started", "submitted", "adopted", "backoff", "split", "ambiguous", "held",
// "rejected", "status", "callback", "archived", "archive_failed", "paused", "resumed", "cancel", "anomaly",
// "deadline", "decided", "orphan", "sealed", "purged", "finished" or "waiting". More may come.
const char *dsr_event_kind(const dsr_event *event);

// One plain line for people.
const char *dsr_event_text(const dsr_event *event);

// The run's id.
const char *dsr_event_run_id(const dsr_event *event);

// The vendor task; NULL for none.
const char *dsr_event_task_id(const dsr_event *event);

// The batch, by its number in the run; -1 for none.
int64_t dsr_event_batch(const dsr_event *event);

// When, in milliseconds since 1970 (UTC), by the client's clock.
int64_t dsr_event_at_ms(const dsr_event *event);

// When something is due next, in milliseconds since 1970 (UTC); -1 when the event does not tell.
int64_t dsr_event_next_due_ms(const dsr_event *event);

// The event's number in the journal; 0 for "waiting", which is not kept.
uint64_t dsr_event_seq(const dsr_event *event);

// The outcome of the run's next id; DSR_END after the last one, and then the first again. For
// outcomes of one moment, read them when the run is finished.
dsr_status dsr_run_next_outcome(const dsr_run *run, dsr_outcome **outcome, dsr_error **err);

// Frees an outcome. NULL is fine.
void dsr_outcome_free(dsr_outcome *outcome);

// The id, byte for byte as given. Personal data.
const char *dsr_outcome_id(const dsr_outcome *outcome);

// "pending", "submitted", "done", "running_elsewhere", "rejected", "failed", "revoked", "held" or
// "cancelled".
const char *dsr_outcome_word(const dsr_outcome *outcome);

// The vendor task that carries it; NULL for none.
const char *dsr_outcome_task_id(const dsr_outcome *outcome);

// The person's package, where dsr_run_collect put it last, if it is still there; NULL for none. Its
// name may show the id.
const char *dsr_outcome_package(const dsr_outcome *outcome);

// The batch it is sent in, by its number in the run; -1 for a handle that is not alive.
int64_t dsr_outcome_batch(const dsr_outcome *outcome);

// The first event after the one of that dsr_event_seq (0: the run's first) that the journal has
// now; DSR_END when there is none yet. Unlike dsr_run_next_event it drives nothing and waits for
// nothing.
dsr_status dsr_run_event_after(const dsr_run *run,
                               uint64_t seq,
                               dsr_event **event,
                               dsr_error **err);

// Writes the outcome of each id as a CSV file with a header line: id, outcome, batch, task_id,
// package. Readable by its owner only; the file appears whole or not at all. Personal data. Ids are
// written as they are, for programs: a spreadsheet may take one that begins with = for a formula.
dsr_status dsr_run_outcomes_csv(const dsr_run *run, const char *csv_path, dsr_error **err);

// Writes what was recorded until now as a CSV file with a header line: seq, at (UTC), kind, batch,
// task_id, text. Drives nothing.
dsr_status dsr_run_events_csv(const dsr_run *run, const char *csv_path, dsr_error **err);

// Frees a report. NULL is fine.
void dsr_report_free(dsr_report *report);

// Where the run stood: a word of dsr_run_state.
const char *dsr_report_state(const dsr_report *report);

// "retrieval" or "deletion".
const char *dsr_report_kind(const dsr_report *report);

// The run's id.
const char *dsr_report_run_id(const dsr_report *report);

// "GDPR" or "CCPA".
const char *dsr_report_compliance(const dsr_report *report);

// Your own case number; NULL for none.
const char *dsr_report_reference(const dsr_report *report);

// How many ids have this outcome (a word of dsr_outcome_word, "done" for example); the counts of
// all words add up to dsr_report_subjects. -1 for any other word, and for NULL.
int64_t dsr_report_count(const dsr_report *report, const char *word);

// How many people the plan names.
uint64_t dsr_report_subjects(const dsr_report *report);

// Rows of the input that repeated an id.
uint64_t dsr_report_duplicates(const dsr_report *report);

// Rows of the input that were left out (skip_bad).
uint64_t dsr_report_refused(const dsr_report *report);

// When the request reached you, in milliseconds since 1970 (UTC).
int64_t dsr_report_received_at_ms(const dsr_report *report);

// When the law wants the answer, in milliseconds since 1970 (UTC).
int64_t dsr_report_deadline_ms(const dsr_report *report);

// When this account was made, in milliseconds since 1970 (UTC).
int64_t dsr_report_at_ms(const dsr_report *report);

// When the ids and what was delivered were removed (dsr_client_purge), in milliseconds since 1970
// (UTC); -1 when they were not.
int64_t dsr_report_purged_at_ms(const dsr_report *report);

// The folder of packages, after dsr_run_collect; NULL before. dsr_outcome_package has each
// person's.
const char *dsr_report_packages(const dsr_report *report);

// The whole report as one JSON object. Holds no id of a person.
const char *dsr_report_json(const dsr_report *report);

// The whole report in plain words, several lines, for people who were not there. Holds no id of a
// person.
const char *dsr_report_text(const dsr_report *report);

// Vendor tasks: how many, counted from 0 below.
size_t dsr_report_n_jobs(const dsr_report *report);

// A task's id; NULL past the last.
const char *dsr_report_job_task_id(const dsr_report *report, size_t index);

// The last status word that was seen of it, as dsr_job_status; NULL past the last.
const char *dsr_report_job_status(const dsr_report *report, size_t index);

// "created" by this run, "adopted" after a 409, "elsewhere" (another's, that deletes our ids too)
// or "manual" (named by dsr_run_decide); NULL past the last.
const char *dsr_report_job_origin(const dsr_report *report, size_t index);

// "requested", "cancelled", "too late", "unknown" or "not ours" once a cancel was asked for; NULL
// before, and past the last.
const char *dsr_report_job_cancel(const dsr_report *report, size_t index);

// How many of the run's ids it carries; -1 past the last.
int64_t dsr_report_job_ids(const dsr_report *report, size_t index);

// How often its status was asked for; -1 past the last.
int64_t dsr_report_job_polls(const dsr_report *report, size_t index);

// What a person must look at: how many problems, counted from 0 below.
size_t dsr_report_n_problems(const dsr_report *report);

// A problem's kind of error, such as "Conflict"; NULL past the last problem.
const char *dsr_report_problem_kind(const dsr_report *report, size_t index);

// One line that says what is wrong; NULL past the last problem.
const char *dsr_report_problem_message(const dsr_report *report, size_t index);

// One line that says what to do; NULL past the last problem.
const char *dsr_report_problem_hint(const dsr_report *report, size_t index);

// The vendor task that the problem is about; NULL for none, and past the last problem.
const char *dsr_report_problem_task_id(const dsr_report *report, size_t index);

// The batch that the problem is about, for dsr_run_decide; -1 for none, and past the last problem.
int64_t dsr_report_problem_batch(const dsr_report *report, size_t index);

// How many ids it concerns; -1 past the last problem.
int64_t dsr_report_problem_ids(const dsr_report *report, size_t index);

// Requests whose answer was lost, however they ended: how many, counted from 0 below.
size_t dsr_report_n_ambiguous(const dsr_report *report);

// The batch of such a request; -1 past the last.
int64_t dsr_report_ambiguous_batch(const dsr_report *report, size_t index);

// Which attempt of its batch it was; -1 past the last.
int64_t dsr_report_ambiguous_attempt(const dsr_report *report, size_t index);

// When it was sent, in milliseconds since 1970 (UTC); -1 past the last.
int64_t dsr_report_ambiguous_sent_at_ms(const dsr_report *report, size_t index);

// What was seen instead of a usable answer; NULL past the last.
const char *dsr_report_ambiguous_seen(const dsr_report *report, size_t index);

// Rows of the input that were left out (skip_bad): how many are told below, counted from 0: the
// first hundred of dsr_report_refused.
size_t dsr_report_n_refused(const dsr_report *report);

// Such a row: a line of a file, from 1, or a position in an array, from 0; -1 past the last.
int64_t dsr_report_refused_row(const dsr_report *report, size_t index);

// Why it was left out; NULL past the last.
const char *dsr_report_refused_reason(const dsr_report *report, size_t index);

// After dsr_run_collect: how many of the texts that Art. 15(1) wants from you the packages name as
// not filled in, counted from 0 below.
size_t dsr_report_n_missing_texts(const dsr_report *report);

// Such a text, by its slot ("purposes", "recipients" ...); NULL past the last.
const char *dsr_report_missing_text(const dsr_report *report, size_t index);

// Removes the ids of a run from the journal now, of all its batches that are at their end; keyed
// digests stay. `ids` tells how many went. By itself this happens as
// dsr_settings_set_keep_deleted_for_ms and dsr_settings_set_keep_retrieved_for_ms say, when the
// journal is opened, by dsr_client_tick and by dsr_client_free.
dsr_status dsr_client_seal(const dsr_client *client,
                           const char *run_id,
                           uint64_t *ids,
                           dsr_error **err);

// Every run of the journal that names this id, sealed or not, oldest first, as a JSON list of
// objects with "run_id", "kind", "outcome" and "at_ms". Free the text with dsr_string_free.
dsr_status dsr_client_was_processed(const dsr_client *client,
                                    const char *id,
                                    char **json,
                                    dsr_error **err);

// Removes what is kept of runs that ended longer ago than this, and of plans that were made longer
// ago and never started: ids, their digests, archives, and the packages that dsr_run_collect
// wrote. Counts, tasks and events stay. A run that waits for a person is left alone. `json` is a
// list of the runs' ids; free it with dsr_string_free.
dsr_status dsr_client_purge(const dsr_client *client,
                            int64_t older_than_ms,
                            char **json,
                            dsr_error **err);

// Recomputes the hash chain over all events of the journal and tells how many there are.
// DSR_JOURNAL where they were changed.
dsr_status dsr_client_verify_journal(const dsr_client *client, uint64_t *events, dsr_error **err);

// Reads a status callback, if it is the vendor's: by the exact processor domain, by the signature
// over the raw body (the bytes as they came) under the public key (PEM: a public key, or a
// certificate that holds one), and by the address that it was sent to, when url_or_null is the one
// that the vendor was given. Names of headers may be in any case. DSR_INVALID_INPUT for anything
// else: answer it with 403. One that was seen before is as valid as the first time.
dsr_status dsr_callback_verify(const uint8_t *body,
                               size_t body_len,
                               const char *const *header_names,
                               const char *const *header_values,
                               size_t n_headers,
                               const char *public_key,
                               const char *url_or_null,
                               dsr_callback **callback,
                               dsr_error **err);

// Hands a callback to a client: the run that it is about looks at its task sooner. news: whether it
// told anything that was not known; one that was seen before does not. DSR_JOURNAL while another
// process carries the journal's runs: answer 503 then, the vendor calls again.
dsr_status dsr_client_receive_callback(const dsr_client *client,
                                       const dsr_callback *callback,
                                       bool *news,
                                       dsr_error **err);

// Frees a callback. NULL is fine.
void dsr_callback_free(dsr_callback *callback);

// The task that it is about.
const char *dsr_callback_task_id(const dsr_callback *callback);

// The name that our request gave the task, a UUID.
const char *dsr_callback_subject_request_id(const dsr_callback *callback);

// "retrieval" or "deletion".
const char *dsr_callback_kind(const dsr_callback *callback);

// What was asked for, in the words of callbacks: "erasure", "access" or "portability".
const char *dsr_callback_request(const dsr_callback *callback);

// "pending", "in_progress", "completed", "cancelled", "failed" or "other": the words of callbacks,
// which are not those of jobs.
const char *dsr_callback_status(const dsr_callback *callback);

// The address that the vendor says it called.
const char *dsr_callback_url(const dsr_callback *callback);

// The link of a finished retrieval, NULL otherwise. It opens without credentials: treat it as a
// secret.
const char *dsr_callback_results_url(const dsr_callback *callback);

// When the vendor expects to be done, as it wrote it.
const char *dsr_callback_expected_at(const dsr_callback *callback);

// The project that it is about, as the vendor numbers it.
const char *dsr_callback_project_id(const dsr_callback *callback);

// The drift report: which forms the vendor really sent, as a JSON list of objects with shape,
// standing ("documented", "observed" or "undocumented") and count. Nothing depends on it. Free the
// text with dsr_string_free.
dsr_status dsr_client_drift(const dsr_client *client, char **json, dsr_error **err);

// Starts a simulated vendor. options_or_null: its options as a JSON object, NULL for defaults;
// "archive_port" among them is the port that archives are fetched from. port: 0 for any free one. speed: 0 for a virtual clock that runs as fast as the clients wait,
// 1 for real time, 60 for a minute a second. state_or_null: a file that keeps its tasks from one
// start to the next, NULL for none.
dsr_status dsr_sandbox_new(const char *options_or_null,
                           uint16_t port,
                           double speed,
                           const char *state_or_null,
                           dsr_sandbox **sandbox,
                           dsr_error **err);

// Stops a simulated vendor; free its clients first. NULL is fine.
void dsr_sandbox_free(dsr_sandbox *sandbox);

// Where its API is, such as "http://127.0.0.1:8080/api/app".
const char *dsr_sandbox_base_url(const dsr_sandbox *sandbox);

// Where its archives are.
const char *dsr_sandbox_archive_base_url(const dsr_sandbox *sandbox);

// A project of this vendor, ready for dsr_client_new: URL, tokens, archive secret and clock.
dsr_status dsr_sandbox_mixpanel(const dsr_sandbox *sandbox,
                                dsr_mixpanel **mixpanel,
                                dsr_error **err);

// The same without the archive secret, for trying out others.
dsr_status dsr_sandbox_project(const dsr_sandbox *sandbox,
                               dsr_mixpanel **mixpanel,
                               dsr_error **err);

// Lets its virtual clock run on by so many milliseconds.
dsr_status dsr_sandbox_advance_ms(const dsr_sandbox *sandbox, int64_t ms, dsr_error **err);

// Adds faults to its script: a JSON list of objects, such as
// [{"on": "create_deletion", "nth": 1, "kind": "drop_after"}].
dsr_status dsr_sandbox_faults(const dsr_sandbox *sandbox, const char *faults, dsr_error **err);

// Every request that it was sent, as a JSON list. Free the text with dsr_string_free.
dsr_status dsr_sandbox_ledger(const dsr_sandbox *sandbox, char **json, dsr_error **err);

// What it holds, as a JSON object. Free the text with dsr_string_free.
dsr_status dsr_sandbox_summary(const dsr_sandbox *sandbox, char **json, dsr_error **err);

// Its URLs, tokens and archive secret, as a JSON object. Free the text with dsr_string_free.
dsr_status dsr_sandbox_credentials(const dsr_sandbox *sandbox, char **json, dsr_error **err);

// The status callbacks that it would make now, as a JSON list of objects with call, url, headers
// and body (texts). Whoever asks makes them, and says how each was answered. Free the text with
// dsr_string_free.
dsr_status dsr_sandbox_callbacks(const dsr_sandbox *sandbox, char **json, dsr_error **err);

// How a status callback was answered: the HTTP status. One that is not answered with 202 comes
// again a quarter of an hour later.
dsr_status dsr_sandbox_callback_answered(const dsr_sandbox *sandbox,
                                         const char *call,
                                         uint16_t http_status,
                                         dsr_error **err);

// The public key that its status callbacks are signed with, as PEM.
const char *dsr_sandbox_callback_key(const dsr_sandbox *sandbox);

// An organisation by its API key (sk_..), which needs ADMIN permission. DSR_CONFIG for a key that
// is empty or holds a blank or a line end.
dsr_status dsr_mixpeek_new(const char *api_key, dsr_mixpeek **mixpeek, dsr_error **err);

// Frees an organisation. NULL is fine.
void dsr_mixpeek_free(dsr_mixpeek *mixpeek);

// A proxy or a sandbox. http only for this machine. Default: "https://api.mixpeek.com".
dsr_status dsr_mixpeek_set_base_url(dsr_mixpeek *mixpeek, const char *url, dsr_error **err);

// The organisation of a simulated vendor, with a key of one's own unless api_key_or_null is NULL.
dsr_status dsr_sandbox_mixpeek(const dsr_sandbox *sandbox,
                               const char *api_key_or_null,
                               dsr_mixpeek **mixpeek,
                               dsr_error **err);

// A client of an organisation. journal_or_null: where its requests are on record, as for
// dsr_client_new, one for each organisation; NULL: they are forgotten with the client. Sends
// nothing.
dsr_status dsr_mixpeek_client_new(const dsr_mixpeek *mixpeek,
                                  const dsr_settings *settings_or_null,
                                  const char *journal_or_null,
                                  dsr_mixpeek_client **client,
                                  dsr_error **err);

// Frees a client and closes its journal; calls of other threads go on to their end. NULL is fine.
void dsr_mixpeek_client_free(dsr_mixpeek_client *client);

// Asks for a copy of everything that the organisation has. Delivered by other ways than the API,
// within 30 days.
dsr_status dsr_mixpeek_client_request_export(const dsr_mixpeek_client *client,
                                             dsr_dsar **dsar,
                                             dsr_error **err);

// Asks for the erasure of everything that the organisation has: irreversible. confirm is "DELETE
// ORGANISATION", DSR_NOT_CONFIRMED for anything else. After a lost answer (DSR_AMBIGUOUS) it is
// not sent again, by this client or another one with its journal, until
// dsr_mixpeek_client_settle says what became of it.
dsr_status dsr_mixpeek_client_request_deletion(const dsr_mixpeek_client *client,
                                               const char *confirm,
                                               dsr_dsar **dsar,
                                               dsr_error **err);

// The requests on record, oldest first, as a JSON list of objects with "id", "kind" ("export",
// "deletion"), "state" ("accepted", "not carried out", "unknown"), "at_ms", "request_id" and
// "problem". Free the text with dsr_string_free.
dsr_status dsr_mixpeek_client_requests(const dsr_mixpeek_client *client,
                                       char **json,
                                       dsr_error **err);

// Says what became of a request whose state is unknown: a person looked it up at the vendor. id:
// its name on record.
dsr_status dsr_mixpeek_client_settle(const dsr_mixpeek_client *client,
                                     const char *id,
                                     bool carried_out,
                                     dsr_error **err);

// Frees an answer. NULL is fine.
void dsr_dsar_free(dsr_dsar *dsar);

// The vendor's name of the request.
const char *dsr_dsar_request_id(const dsr_dsar *dsar);

// The vendor's word.
const char *dsr_dsar_status(const dsr_dsar *dsar);

// When the vendor took the request, as it wrote it.
const char *dsr_dsar_requested_at(const dsr_dsar *dsar);

// When it will be done: a sentence of the vendor's, not a time.
const char *dsr_dsar_estimated_completion(const dsr_dsar *dsar);

// How many categories of data it covers.
size_t dsr_dsar_n_categories(const dsr_dsar *dsar);

// One of them, counted from 0; NULL past the last.
const char *dsr_dsar_category(const dsr_dsar *dsar, size_t index);

// What the vendor warns of, in the answer to a deletion; NULL otherwise.
const char *dsr_dsar_warning(const dsr_dsar *dsar);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* DSRKIT_H */
