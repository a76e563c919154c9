// Erases two people, after showing what confirms it. Needs the variables DSRKIT_MIXPANEL_PROJECT_TOKEN
// and _OAUTH_TOKEN, or runs against a simulated vendor:
//     mcs Delete.cs && mono Delete.exe dsr.sqlite3        (or: dotnet run)
using System;
using System.Runtime.InteropServices;
using H = System.IntPtr;

static class Delete {
    const string Lib = "libdsrkit.so.0";
    const int Ok = 0, End = 104;
    [DllImport(Lib)] static extern int dsr_mixpanel_from_env(out H project, out H err);
    [DllImport(Lib)] static extern int dsr_sandbox_new(string options, ushort port, double speed, string state, out H sandbox, out H err);
    [DllImport(Lib)] static extern int dsr_sandbox_mixpanel(H sandbox, out H project, out H err);
    [DllImport(Lib)] static extern int dsr_client_new(H project, H settings, string journal, out H client, out H err);
    [DllImport(Lib)] static extern void dsr_client_free(H client);
    [DllImport(Lib)] static extern int dsr_client_plan_deletion(H client, string[] ids, UIntPtr n, H options, out H plan, out H err);
    [DllImport(Lib)] static extern H dsr_plan_estimate(H plan);
    [DllImport(Lib)] static extern H dsr_plan_confirm(H plan);
    [DllImport(Lib)] static extern int dsr_plan_start(H plan, H confirm, out H run, out H err);
    [DllImport(Lib)] static extern int dsr_run_next_event(H run, long timeoutMs, out H e, out H err);
    [DllImport(Lib)] static extern H dsr_event_kind(H e);
    [DllImport(Lib)] static extern H dsr_event_text(H e);
    [DllImport(Lib)] static extern void dsr_event_free(H e);
    [DllImport(Lib)] static extern int dsr_run_report(H run, out H report, out H err);
    [DllImport(Lib)] static extern long dsr_report_count(H report, string word);
    [DllImport(Lib)] static extern H dsr_error_message(H err);
    [DllImport(Lib)] static extern H dsr_error_hint(H err);

    static string Text(H text) { return Marshal.PtrToStringAnsi(text); } // UTF-8 on Linux

    static void Must(int status, H err) {
        if (status != Ok) throw new Exception(Text(dsr_error_message(err)) + "\n" + Text(dsr_error_hint(err)));
    }

    static void Main(string[] arguments) {
        H sandbox, project, client, plan, run, e, report, err;
        if (Environment.GetEnvironmentVariable("DSRKIT_MIXPANEL_PROJECT_TOKEN") != null) {
            Must(dsr_mixpanel_from_env(out project, out err), err);
        } else {
            Must(dsr_sandbox_new(null, 0, 0, null, out sandbox, out err), err);
            Must(dsr_sandbox_mixpanel(sandbox, out project, out err), err);
        }
        Must(dsr_client_new(project, H.Zero, arguments.Length > 0 ? arguments[0] : ":memory:", out client, out err), err);
        Must(dsr_client_plan_deletion(client, new[] { "user-1", "user-2" }, (UIntPtr)2, H.Zero, out plan, out err), err);
        Console.WriteLine(Text(dsr_plan_estimate(plan)) + "; confirm with " + Text(dsr_plan_confirm(plan)));
        Must(dsr_plan_start(plan, dsr_plan_confirm(plan), out run, out err), err);
        int status;
        while ((status = dsr_run_next_event(run, -1, out e, out err)) == Ok) {
            if (Text(dsr_event_kind(e)) != "waiting") Console.WriteLine(Text(dsr_event_text(e)));
            dsr_event_free(e);
        }
        if (status != End) Must(status, err);
        Must(dsr_run_report(run, out report, out err), err);
        Console.WriteLine(dsr_report_count(report, "done") + " deleted");
        dsr_client_free(client); // the process ends: the rest goes with it
    }
}
