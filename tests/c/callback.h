/* Takes a status callback of the simulated vendor out of its JSON, as whoever receives it would have it. */
#ifndef CALLBACK_H
#define CALLBACK_H

#include "check.h"

#define CALLBACK_URL "https://dsr.example.com/mixpanel"

enum { MOST_HEADERS = 16, MOST_BODY = 4096 };

typedef struct {
    char call[64], body[MOST_BODY], names[MOST_HEADERS][64], values[MOST_HEADERS][512];
    const char *name[MOST_HEADERS], *value[MOST_HEADERS];
    size_t n_headers;
} callback_call;

/* A JSON text, from after its quote; gives what follows it. */
static const char *json_text(const char *at, char *to, size_t room) {
    size_t n = 0;
    for (; *at && *at != '"'; at++) {
        if (*at == '\\') at++;
        if (n + 1 < room) to[n++] = *at == 'n' && at[-1] == '\\' ? '\n' : *at;
    }
    to[n] = 0;
    return *at ? at + 1 : at;
}

/* The first call of the list; 0 when there is none. */
static int first_call(const char *json, callback_call *to) {
    const char *at = strstr(json, "\"body\":\"");
    if (!at) return 0;
    at = json_text(at + 8, to->body, sizeof to->body);
    if (!(at = strstr(at, "\"call\":\""))) return 0;
    at = json_text(at + 8, to->call, sizeof to->call);
    if (!(at = strstr(at, "\"headers\":{"))) return 0;
    at += 11;
    for (to->n_headers = 0; *at == '"' && to->n_headers < MOST_HEADERS; to->n_headers++) {
        const size_t i = to->n_headers;
        at = json_text(at + 1, to->names[i], sizeof to->names[i]);
        at = json_text(at + 2, to->values[i], sizeof to->values[i]);
        to->name[i] = to->names[i];
        to->value[i] = to->values[i];
        if (*at == ',') at++;
    }
    return 1;
}

#endif
