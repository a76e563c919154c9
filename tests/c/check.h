/* Counts what holds and what does not; the last line of each program is "N passed, N failed". */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <string.h>

#include "dsrkit.h"
#ifdef COUNTED
#include <stdlib.h>

#include "counted_calls.h"
#endif

static int passed, failed;

#define CHECK(holds)                                                                              \
    do {                                                                                          \
        if (holds) {                                                                              \
            passed++;                                                                             \
        } else {                                                                                  \
            failed++;                                                                             \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);            \
        }                                                                                         \
    } while (0)

/* A call and the status that it must return; shows the error when it returns another. */
#define GIVES(wanted, call)                                                                       \
    do {                                                                                          \
        dsr_status status_ = (call);                                                              \
        if (status_ == (wanted)) {                                                                \
            passed++;                                                                             \
        } else {                                                                                  \
            failed++;                                                                             \
            fprintf(stderr, "%s:%d: %s, not %s: %s\n", __FILE__, __LINE__,                        \
                    dsr_status_name(status_), dsr_status_name(wanted), #call);                    \
            if (err) fprintf(stderr, "    %s\n", dsr_error_message(err));                         \
        }                                                                                         \
        dsr_error_free(err);                                                                      \
        err = NULL;                                                                               \
    } while (0)

static int closing_line(const char *name) {
#ifdef COUNTED
    FILE *called = getenv("CALLED") ? fopen(getenv("CALLED"), "a") : NULL;
    for (int at = 0; called && name_of_call(at); at++)
        if (has_worked[at]) fprintf(called, "%s\n", name_of_call(at));
    if (called) fclose(called);
#endif
    printf("%s: %d passed, %d failed\n", name, passed, failed);
    return failed != 0;
}

#endif
