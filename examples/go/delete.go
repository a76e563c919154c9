// Erases two people, after showing what confirms it. Needs the variables DSRKIT_MIXPANEL_PROJECT_TOKEN
// and _OAUTH_TOKEN, or runs against a simulated vendor:
//
//	go run delete.go dsr.sqlite3
package main

/*
#cgo pkg-config: dsrkit
#include <dsrkit.h>
#include <stdlib.h>
*/
import "C"

import (
	"fmt"
	"os"
	"unsafe"
)

func must(status C.dsr_status, err *C.dsr_error) {
	if status != C.DSR_OK {
		fmt.Fprintln(os.Stderr, C.GoString(C.dsr_error_message(err)), C.GoString(C.dsr_error_hint(err)))
		os.Exit(1)
	}
}

func main() {
	var sandbox *C.dsr_sandbox
	var project *C.dsr_mixpanel
	var client *C.dsr_client
	var plan *C.dsr_plan
	var run *C.dsr_run
	var event *C.dsr_event
	var report *C.dsr_report
	var err *C.dsr_error
	journal, done := C.CString(append(os.Args, ":memory:")[1]), C.CString("done")
	defer C.free(unsafe.Pointer(journal))
	defer C.free(unsafe.Pointer(done))
	if os.Getenv("DSRKIT_MIXPANEL_PROJECT_TOKEN") != "" {
		must(C.dsr_mixpanel_from_env(&project, &err), err)
	} else {
		must(C.dsr_sandbox_new(nil, 0, 0, nil, &sandbox, &err), err)
		must(C.dsr_sandbox_mixpanel(sandbox, &project, &err), err)
	}
	must(C.dsr_client_new(project, nil, journal, &client, &err), err)
	ids := []*C.char{C.CString("user-1"), C.CString("user-2")}
	must(C.dsr_client_plan_deletion(client, &ids[0], C.size_t(len(ids)), nil, &plan, &err), err)
	fmt.Println(C.GoString(C.dsr_plan_estimate(plan)), "confirm with", C.GoString(C.dsr_plan_confirm(plan)))
	must(C.dsr_plan_start(plan, C.dsr_plan_confirm(plan), &run, &err), err)
	for C.dsr_run_next_event(run, -1, &event, &err) == C.DSR_OK {
		if C.GoString(C.dsr_event_kind(event)) != "waiting" {
			fmt.Println(C.GoString(C.dsr_event_text(event)))
		}
		C.dsr_event_free(event)
	}
	must(C.dsr_run_wait(run, -1, &report, &err), err)
	fmt.Println(C.dsr_report_count(report, done), "deleted")
	C.dsr_client_free(client) // the rest goes with the process
}
