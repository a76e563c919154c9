// Erases two people, after showing what confirms it. Needs the variables DSRKIT_MIXPANEL_PROJECT_TOKEN
// and _OAUTH_TOKEN, or runs against a simulated vendor:
//     npm install koffi && node delete.js dsr.sqlite3
// Waiting happens on a thread of its own (.async), so the event loop goes on.
const { promisify } = require('node:util');
const koffi = require('koffi');

const lib = koffi.load(process.env.DSRKIT_LIBRARY ?? 'libdsrkit.so.0');
const declare = (prototype) => lib.func(prototype);
const fromEnv = declare('int dsr_mixpanel_from_env(_Out_ void **project, _Out_ void **err)');
const sandboxNew = declare('int dsr_sandbox_new(str options, uint16_t port, double speed, str state, _Out_ void **sandbox, _Out_ void **err)');
const sandboxMixpanel = declare('int dsr_sandbox_mixpanel(void *sandbox, _Out_ void **project, _Out_ void **err)');
const clientNew = declare('int dsr_client_new(void *project, void *settings, str journal, _Out_ void **client, _Out_ void **err)');
const clientFree = declare('void dsr_client_free(void *client)');
const planDeletion = declare('int dsr_client_plan_deletion(void *client, str *ids, size_t n, void *options, _Out_ void **plan, _Out_ void **err)');
const estimate = declare('str dsr_plan_estimate(void *plan)');
const confirmation = declare('str dsr_plan_confirm(void *plan)');
const planStart = declare('int dsr_plan_start(void *plan, str confirm, _Out_ void **run, _Out_ void **err)');
const nextEvent = promisify(declare('int dsr_run_next_event(void *run, int64_t timeout_ms, _Out_ void **event, _Out_ void **err)').async);
const eventKind = declare('str dsr_event_kind(void *event)');
const eventText = declare('str dsr_event_text(void *event)');
const eventFree = declare('void dsr_event_free(void *event)');
const runReport = declare('int dsr_run_report(void *run, _Out_ void **report, _Out_ void **err)');
const count = declare('int64_t dsr_report_count(void *report, str word)');
const message = declare('str dsr_error_message(void *err)');
const hint = declare('str dsr_error_hint(void *err)');
const [OK, END] = [0, 104];

/** Calls a function whose last parameters are one output and the error. */
function made(call, ...given) {
  const [out, err] = [[null], [null]];
  if (call(...given, out, err) !== OK) throw new Error(`${message(err[0])}\n${hint(err[0])}`);
  return out[0];
}

async function main() {
  const real = process.env.DSRKIT_MIXPANEL_PROJECT_TOKEN;
  const project = real ? made(fromEnv) : made(sandboxMixpanel, made(sandboxNew, null, 0, 0, null));
  const client = made(clientNew, project, null, process.argv[2] ?? ':memory:');
  const plan = made(planDeletion, client, ['user-1', 'user-2'], 2, null);
  console.log(`${estimate(plan)}; confirm with ${confirmation(plan)}`);
  const run = made(planStart, plan, confirmation(plan));
  const [event, err] = [[null], [null]];
  let status;
  while ((status = await nextEvent(run, -1, event, err)) === OK) {
    if (eventKind(event[0]) !== 'waiting') console.log(eventText(event[0]));
    eventFree(event[0]);
  }
  if (status !== END) throw new Error(`${message(err[0])}\n${hint(err[0])}`);
  console.log(`${count(made(runReport, run), 'done')} deleted`);
  clientFree(client); // the process ends: the rest goes with it
}

main();
