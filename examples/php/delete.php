<?php
// Erases two people, after showing what confirms it. Needs the variables DSRKIT_MIXPANEL_PROJECT_TOKEN
// and _OAUTH_TOKEN, or runs against a simulated vendor:
//     php delete.php dsr.sqlite3
$dsr = FFI::cdef(<<<'C'
int dsr_mixpanel_from_env(void **project, void **err);
int dsr_sandbox_new(const char *options, uint16_t port, double speed, const char *state, void **sandbox, void **err);
int dsr_sandbox_mixpanel(void *sandbox, void **project, void **err);
int dsr_client_new(void *project, void *settings, const char *journal, void **client, void **err);
void dsr_client_free(void *client);
int dsr_client_plan_deletion(void *client, const char **ids, size_t n, void *options, void **plan, void **err);
const char *dsr_plan_estimate(void *plan);
const char *dsr_plan_confirm(void *plan);
int dsr_plan_start(void *plan, const char *confirm, void **run, void **err);
int dsr_run_next_event(void *run, int64_t timeout_ms, void **event, void **err);
const char *dsr_event_kind(void *event);
const char *dsr_event_text(void *event);
void dsr_event_free(void *event);
int dsr_run_report(void *run, void **report, void **err);
int64_t dsr_report_count(void *report, const char *word);
const char *dsr_error_message(void *err);
const char *dsr_error_hint(void *err);
C, getenv('DSRKIT_LIBRARY') ?: 'libdsrkit.so.0');
const OK = 0, END = 104;

/** Calls a function whose last parameters are one output and the error. null at the run's end. */
function made(string $function, ...$given) {
    global $dsr;
    [$out, $err] = [$dsr->new('void *'), $dsr->new('void *')];
    $status = $dsr->{"dsr_$function"}(...$given, ...[FFI::addr($out), FFI::addr($err)]);
    if ($status === OK) return $out;
    if ($status === END) return null;
    throw new Exception($dsr->dsr_error_message($err) . "\n" . $dsr->dsr_error_hint($err));
}

$project = getenv('DSRKIT_MIXPANEL_PROJECT_TOKEN')
    ? made('mixpanel_from_env')
    : made('sandbox_mixpanel', made('sandbox_new', null, 0, 0.0, null));
$client = made('client_new', $project, null, $argv[1] ?? ':memory:');
$texts = $dsr->new('char[2][16]');
$ids = $dsr->new('const char *[2]');
foreach (['user-1', 'user-2'] as $at => $id) {
    FFI::memcpy($texts[$at], "$id\0", strlen($id) + 1);
    $ids[$at] = $dsr->cast('const char *', FFI::addr($texts[$at]));
}
$plan = made('client_plan_deletion', $client, $ids, 2, null);
echo $dsr->dsr_plan_estimate($plan), '; confirm with ', $dsr->dsr_plan_confirm($plan), "\n";
$run = made('plan_start', $plan, $dsr->dsr_plan_confirm($plan));
while ($event = made('run_next_event', $run, -1)) {
    if ($dsr->dsr_event_kind($event) !== 'waiting') echo $dsr->dsr_event_text($event), "\n";
    $dsr->dsr_event_free($event);
}
echo $dsr->dsr_report_count(made('run_report', $run), 'done'), " deleted\n";
$dsr->dsr_client_free($client); // the process ends: the rest goes with it
