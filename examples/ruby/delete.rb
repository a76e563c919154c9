# Erases two people, after showing what confirms it. Needs the variables DSRKIT_MIXPANEL_PROJECT_TOKEN
# and _OAUTH_TOKEN, or runs against a simulated vendor:
#     ruby delete.rb dsr.sqlite3
require 'fiddle/import'

module Dsr
  extend Fiddle::Importer
  dlload ENV.fetch('DSRKIT_LIBRARY', 'libdsrkit.so.0')
  typealias 'int64_t', 'long long'
  typealias 'uint16_t', 'unsigned short'
  extern 'int dsr_mixpanel_from_env(void *, void *)'
  extern 'int dsr_sandbox_new(char *, uint16_t, double, char *, void *, void *)'
  extern 'int dsr_sandbox_mixpanel(void *, void *, void *)'
  extern 'int dsr_client_new(void *, void *, char *, void *, void *)'
  extern 'void dsr_client_free(void *)'
  extern 'int dsr_client_plan_deletion(void *, void *, size_t, void *, void *, void *)'
  extern 'char *dsr_plan_estimate(void *)'
  extern 'char *dsr_plan_confirm(void *)'
  extern 'int dsr_plan_start(void *, char *, void *, void *)'
  extern 'int dsr_run_next_event(void *, int64_t, void *, void *)'
  extern 'char *dsr_event_kind(void *)'
  extern 'char *dsr_event_text(void *)'
  extern 'void dsr_event_free(void *)'
  extern 'int dsr_run_report(void *, void *, void *)'
  extern 'int64_t dsr_report_count(void *, char *)'
  extern 'char *dsr_error_message(void *)'
  extern 'char *dsr_error_hint(void *)'
  OK = 0
  END_OF_RUN = 104

  # Calls a function whose last parameters are one output and the error. nil at the run's end.
  def self.made(function, *given)
    out, err = Array.new(2) { Fiddle::Pointer.malloc(Fiddle::SIZEOF_VOIDP, Fiddle::RUBY_FREE) }
    case send("dsr_#{function}", *given, out, err)
    when OK then out.ptr
    when END_OF_RUN then nil
    else abort "#{dsr_error_message(err.ptr)}\n#{dsr_error_hint(err.ptr)}"
    end
  end
end

ids = %w[user-1 user-2]
project = if ENV['DSRKIT_MIXPANEL_PROJECT_TOKEN'] then Dsr.made(:mixpanel_from_env)
          else Dsr.made(:sandbox_mixpanel, Dsr.made(:sandbox_new, nil, 0, 0.0, nil))
          end
client = Dsr.made(:client_new, project, nil, ARGV.fetch(0, ':memory:'))
array = ids.map { |id| Fiddle::Pointer[id].to_i }.pack('J*')
plan = Dsr.made(:client_plan_deletion, client, array, ids.size, nil)
puts "#{Dsr.dsr_plan_estimate(plan)}; confirm with #{Dsr.dsr_plan_confirm(plan)}"
run = Dsr.made(:plan_start, plan, Dsr.dsr_plan_confirm(plan))
while (event = Dsr.made(:run_next_event, run, -1))
  puts Dsr.dsr_event_text(event) unless Dsr.dsr_event_kind(event).to_s == 'waiting'
  Dsr.dsr_event_free(event)
end
puts "#{Dsr.dsr_report_count(Dsr.made(:run_report, run), 'done')} deleted"
Dsr.dsr_client_free(client) # the process ends: the rest goes with it
