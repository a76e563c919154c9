-- Erases two people, after showing what confirms it. Needs the variables DSRKIT_MIXPANEL_PROJECT_TOKEN
-- and _OAUTH_TOKEN, or runs against a simulated vendor:
--     luajit delete.lua dsr.sqlite3
local ffi = require("ffi")
ffi.cdef[[
int dsr_mixpanel_from_env(void **project, void **err);
int dsr_sandbox_new(const char *options, uint16_t port, double speed, const char *state, void **sandbox, void **err);
int dsr_sandbox_mixpanel(void *sandbox, void **project, void **err);
int dsr_client_new(void *project, void *settings, const char *journal, void **client, void **err);
void dsr_client_free(void *client);
int dsr_client_plan_deletion(void *client, const char *const *ids, size_t n, void *options, void **plan, void **err);
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
]]
local dsr = ffi.load(os.getenv("DSRKIT_LIBRARY") or "libdsrkit.so.0")
local OK, END = 0, 104

-- Calls a function whose last parameters are one output and the error. nil at the run's end.
local function made(call, ...)
  local given, n = {...}, select("#", ...)
  local out, err = ffi.new("void *[1]"), ffi.new("void *[1]")
  given[n + 1], given[n + 2] = out, err
  local status = call(unpack(given, 1, n + 2))
  if status == OK then return out[0] end
  if status == END then return nil end
  error(ffi.string(dsr.dsr_error_message(err[0])) .. "\n" .. ffi.string(dsr.dsr_error_hint(err[0])), 0)
end

local project
if os.getenv("DSRKIT_MIXPANEL_PROJECT_TOKEN") then
  project = made(dsr.dsr_mixpanel_from_env)
else
  project = made(dsr.dsr_sandbox_mixpanel, made(dsr.dsr_sandbox_new, nil, 0, 0, nil))
end
local client = made(dsr.dsr_client_new, project, nil, arg[1] or ":memory:")
local ids = ffi.new("const char *[2]", {"user-1", "user-2"})
local plan = made(dsr.dsr_client_plan_deletion, client, ids, 2, nil)
print(ffi.string(dsr.dsr_plan_estimate(plan)) .. "; confirm with " .. ffi.string(dsr.dsr_plan_confirm(plan)))
local run = made(dsr.dsr_plan_start, plan, dsr.dsr_plan_confirm(plan))
for event in function() return made(dsr.dsr_run_next_event, run, -1) end do
  if ffi.string(dsr.dsr_event_kind(event)) ~= "waiting" then
    print(ffi.string(dsr.dsr_event_text(event)))
  end
  dsr.dsr_event_free(event)
end
print(tonumber(dsr.dsr_report_count(made(dsr.dsr_run_report, run), "done")) .. " deleted")
dsr.dsr_client_free(client) -- the process ends: the rest goes with it
