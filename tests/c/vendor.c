/* Runs a program beside a simulated vendor, whose project it finds in its environment: vendor COMMAND.
 * An hour of the vendor's passes in the blink of an eye. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <sys/wait.h>

#include "check.h"

/* Takes a text out of the credentials. */
static void hand_on(const char *json, const char *key, const char *variable) {
    char value[512];
    const char *at = strstr(json, key);
    CHECK(at != NULL);
    if (!at) return;
    snprintf(value, sizeof value, "%s", at + strlen(key));
    value[strcspn(value, "\"")] = 0;
    setenv(variable, value, 1);
}

int main(int argc, char **argv) {
    dsr_sandbox *sb = NULL;
    dsr_error *err = NULL;
    char *json = NULL;
    if (argc != 2) return 2;
    GIVES(DSR_OK, dsr_sandbox_new(NULL, 0, 100000, NULL, &sb, &err));
    GIVES(DSR_OK, dsr_sandbox_credentials(sb, &json, &err));
    hand_on(json, "\"base_url\":\"", "DSRKIT_MIXPANEL_BASE_URL");
    hand_on(json, "\"project_token\":\"", "DSRKIT_MIXPANEL_PROJECT_TOKEN");
    hand_on(json, "\"oauth_token\":\"", "DSRKIT_MIXPANEL_OAUTH_TOKEN");
    dsr_string_free(json);
    const int status = system(argv[1]);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    dsr_sandbox_free(sb);
    return closing_line("vendor");
}
