// Erases two people, after showing what confirms it. Needs the variables DSRKIT_MIXPANEL_PROJECT_TOKEN
// and _OAUTH_TOKEN, or runs against a simulated vendor:
//     java -cp /usr/share/java/jna.jar Delete.java dsr.sqlite3
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLong;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;

public class Delete {
    static final Dsr dsr = Native.load("libdsrkit.so.0", Dsr.class);
    static final PointerByReference out = new PointerByReference(), err = new PointerByReference();

    /** What a function made, after its status was looked at. */
    static Pointer made(int status) {
        if (status == Dsr.OK) return out.getValue();
        if (status == Dsr.END) return null;
        throw new IllegalStateException(dsr.dsr_error_message(err.getValue()) + "\n" + dsr.dsr_error_hint(err.getValue()));
    }

    public static void main(String[] arguments) {
        Pointer project = System.getenv("DSRKIT_MIXPANEL_PROJECT_TOKEN") != null
            ? made(dsr.dsr_mixpanel_from_env(out, err))
            : made(dsr.dsr_sandbox_mixpanel(made(dsr.dsr_sandbox_new(null, (short) 0, 0, null, out, err)), out, err));
        Pointer client = made(dsr.dsr_client_new(project, null, arguments.length > 0 ? arguments[0] : ":memory:", out, err));
        Pointer plan = made(dsr.dsr_client_plan_deletion(client, new String[] {"user-1", "user-2"}, new NativeLong(2), null, out, err));
        System.out.println(dsr.dsr_plan_estimate(plan) + "; confirm with " + dsr.dsr_plan_confirm(plan));
        Pointer run = made(dsr.dsr_plan_start(plan, dsr.dsr_plan_confirm(plan), out, err)), event;
        while ((event = made(dsr.dsr_run_next_event(run, -1, out, err))) != null) {
            if (!dsr.dsr_event_kind(event).equals("waiting")) System.out.println(dsr.dsr_event_text(event));
            dsr.dsr_event_free(event);
        }
        System.out.println(dsr.dsr_report_count(made(dsr.dsr_run_report(run, out, err)), "done") + " deleted");
        dsr.dsr_client_free(client); // the process ends: the rest goes with it
    }
}

interface Dsr extends Library {
    int OK = 0, END = 104;
    int dsr_mixpanel_from_env(PointerByReference project, PointerByReference err);
    int dsr_sandbox_new(String options, short port, double speed, String state, PointerByReference sandbox, PointerByReference err);
    int dsr_sandbox_mixpanel(Pointer sandbox, PointerByReference project, PointerByReference err);
    int dsr_client_new(Pointer project, Pointer settings, String journal, PointerByReference client, PointerByReference err);
    void dsr_client_free(Pointer client);
    int dsr_client_plan_deletion(Pointer client, String[] ids, NativeLong n, Pointer options, PointerByReference plan, PointerByReference err);
    String dsr_plan_estimate(Pointer plan);
    String dsr_plan_confirm(Pointer plan);
    int dsr_plan_start(Pointer plan, String confirm, PointerByReference run, PointerByReference err);
    int dsr_run_next_event(Pointer run, long timeoutMs, PointerByReference event, PointerByReference err);
    String dsr_event_kind(Pointer event);
    String dsr_event_text(Pointer event);
    void dsr_event_free(Pointer event);
    int dsr_run_report(Pointer run, PointerByReference report, PointerByReference err);
    long dsr_report_count(Pointer report, String word);
    String dsr_error_message(Pointer err);
    String dsr_error_hint(Pointer err);
}
