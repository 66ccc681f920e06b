package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/bongsu-project/bongsu/cmd/bongsu/app"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
)

// TestScripts runs the client commands, each as a process of its own, against the whole
// service. Commands of the scripts beside those of testscript:
//
//	serve [--demo-data]      run the service; $BONGSU_SERVER is its edge
//	fault [JSON]             let the fake Slack fail (a Fault of MockupService), or end the fault
//	until regexp command…    run a command until its output matches
//	json name path           set $name to a value of the last JSON output
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serveScript(t),
			"fault": faultScript,
			"until": untilScript,
			"json":  jsonScript,
		},
	})
}

// serveScript returns a script command that runs the whole service. It fails t if the
// service does not shut down cleanly.
func serveScript(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		ctx, stop := context.WithCancel(t.Context())
		config := app.Config{
			Services: []string{"all", app.Mockup},
			Data:     ts.MkAbs("data"),
			Log:      slog.New(slog.DiscardHandler),
		}
		config.Edge.Addr, config.Mockup.Addr = "127.0.0.1:0", "127.0.0.1:0"
		config.Edge.Admission.AddressLimit = "off" // scripts poll
		config.Monitor.Private = true              // they check the edge
		config.Directory.DemoData = slices.Contains(args, "--demo-data")
		if slices.Contains(args, "--without-monitor") {
			config.Services = []string{app.Edge, app.Access, app.Directory, app.Alert, app.Event, app.Inbox, app.Incident, app.Sender, app.Mockup}
		}
		a, err := app.New(ctx, config)
		if err != nil {
			stop()
			ts.Fatalf("serve: %v", err)
		}
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }()
		ts.Defer(func() {
			stop()
			if err := <-ended; err != nil {
				t.Errorf("serve ended with: %v", err)
			}
		})
		ts.Setenv("BONGSU_SERVER", "http://"+a.Addr(app.Edge))
		ts.Setenv("MOCKUP", "http://"+a.Addr(app.Mockup))
	}
}

func faultScript(ts *testscript.TestScript, _ bool, args []string) {
	fakes := mockupv1connect.NewMockupServiceClient(http.DefaultClient, ts.Getenv("MOCKUP"))
	if len(args) == 0 {
		_, err := fakes.Reset(context.Background(), &mockupv1.ResetRequest{})
		ts.Check(err)
		return
	}
	fault := new(mockupv1.Fault)
	ts.Check(protojson.Unmarshal([]byte(args[0]), fault))
	_, err := fakes.SetFault(context.Background(), &mockupv1.SetFaultRequest{Fault: fault})
	ts.Check(err)
}

func untilScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until regexp command…")
	}
	want, err := regexp.Compile(args[0])
	ts.Check(err)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		ts.Check(ts.Exec(args[1], args[2:]...))
		if want.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("no output matches %s", want)
}

func jsonScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: json name path")
	}
	var value any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &value))
	for step := range strings.SplitSeq(args[1], ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n >= len(v) {
				ts.Fatalf("%s: no %s", args[1], step)
			}
			value = v[n]
		default:
			ts.Fatalf("%s: no %s", args[1], step)
		}
	}
	ts.Setenv(args[0], fmt.Sprint(value))
}
