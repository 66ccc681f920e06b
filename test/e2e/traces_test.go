package e2e

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/kit/kittest/otlptest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// The trace of a caller, and its span that sends an alert.
const (
	callerTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callerSpan  = "00f067aa0ba902b7"
)

// tracedMessage is the text of the alerts; no span may hold it.
const tracedMessage = "the disk of node1 is full"

// exportTo lets processes that start from now on export their spans.
func exportTo(t *testing.T, receiver *otlptest.Receiver) {
	t.Helper()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "20") // milliseconds
}

// sendTraced sends an alert to user1 in the caller's trace, and returns its id.
func (d deployment) sendTraced(t *testing.T) string {
	t.Helper()
	ctx, call := connect.NewClientContext(t.Context())
	call.RequestHeader().Set("Traceparent", "00-"+callerTrace+"-"+callerSpan+"-01")
	res, err := d.alerts().SendAlert(ctx, &alertv1.SendAlertRequest{Target: []string{"@user1"}, Message: tracedMessage})
	must(t, err)
	return res.GetId()
}

// warmUp delivers an alert in another trace: a dispatch loop that has just started enqueues again
// what an earlier process may have left.
func (d deployment) warmUp(t *testing.T) {
	t.Helper()
	d.ended(t, d.send(t, `{"target":["@user1"],"message":"m"}`).ID)
	d.reset(t)
}

// awaitTree waits until the trace of the caller has as many spans as a tree, and compares both.
func awaitTree(t *testing.T, receiver *otlptest.Receiver, want string) []otlptest.Span {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	spans := receiver.Await(ctx, callerTrace, strings.Count(want, "\n"))
	if got := otlptest.Tree(spans, callerSpan); got != want || len(spans) != strings.Count(want, "\n") {
		t.Fatalf("%d spans, below the caller's\n%swant\n%s", len(spans), got, want)
	}
	return spans
}

// named returns the spans with a name.
func named(spans []otlptest.Span, name string) []otlptest.Span {
	return slices.DeleteFunc(slices.Clone(spans), func(s otlptest.Span) bool { return s.Name != name })
}

// traced are the deployments with the spans of an alert whose first attempt is sent.
var traced = []struct {
	name  string
	start func(*testing.T) deployment
	// send are the spans of the request, publish those of the queue, attempt those of a sender.
	send, publish, attempt string
}{
	{
		"one process", func(t *testing.T) deployment { return oneProcess(t) },
		"bongsu server bongsu.alert.v1.AlertService/SendAlert\n",
		"  bongsu producer publish send.slack.normal\n",
		`  bongsu consumer claim slack
  bongsu client send slack
  bongsu internal report slack
`,
	},
	{
		"six processes", func(t *testing.T) deployment { return sixProcesses(t) },
		`bongsu-edge server bongsu.alert.v1.AlertService/SendAlert
  bongsu-edge client bongsu.alert.v1.AlertService/SendAlert
    bongsu-alert server bongsu.alert.v1.AlertService/SendAlert
      bongsu-alert client bongsu.user.v1.DirectoryService/LookUp
        bongsu-directory server bongsu.user.v1.DirectoryService/LookUp
`,
		"      bongsu-alert producer publish send.slack.normal\n",
		`      bongsu-sender consumer claim slack
        bongsu-sender client bongsu.job.v1.DispatchService/Claim
          bongsu-alert server bongsu.job.v1.DispatchService/Claim
      bongsu-sender client send slack
      bongsu-sender internal report slack
        bongsu-sender client bongsu.job.v1.DispatchService/Report
          bongsu-alert server bongsu.job.v1.DispatchService/Report
`,
	},
}

// TestTrace sends an alert in the trace of its caller, and compares its spans, from the edge to
// the provider and back, with the exact tree.
func TestTrace(t *testing.T) {
	for _, c := range traced {
		t.Run(c.name, func(t *testing.T) {
			receiver := otlptest.Start(t)
			exportTo(t, receiver)
			d := c.start(t)
			d.warmUp(t)
			id := d.sendTraced(t)
			allSent(t, d.ended(t, id))
			spans := awaitTree(t, receiver, c.send+c.publish+c.attempt)

			attempt, report := named(spans, "send slack")[0], named(spans, "report slack")[0]
			if len(attempt.Links) != 0 || !slices.Equal(report.Links, []string{attempt.ID}) {
				t.Errorf("the attempt has links %v, the report %v", attempt.Links, report.Links)
			}
			for name, want := range map[string]string{
				"bongsu.alert.id": id, "bongsu.attempt.number": "1", "bongsu.outcome": "sent", "bongsu.messenger": "slack",
				"http.request.method": "POST", "http.response.status_code": "200",
			} {
				if got := attempt.Attributes[name]; got != want {
					t.Errorf("attribute %s of the attempt is %q, want %q", name, got, want)
				}
			}
			d.verifyTrace(t, id, spans)
		})
	}
}

// verifyTrace checks that the API shows the trace of an alert, that no span holds its text or
// its address, and that the provider gets no traceparent.
func (d deployment) verifyTrace(t *testing.T, id string, spans []otlptest.Span) {
	t.Helper()
	res, err := d.alerts().GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: id})
	must(t, err)
	if got := res.GetAlert().GetTraceId(); got != callerTrace {
		t.Errorf("the trace of the alert is %q", got)
	}
	listed, err := d.alerts().ListAlerts(t.Context(), &alertv1.ListAlertsRequest{})
	must(t, err)
	if got := listed.GetAlerts()[0].GetTraceId(); got != callerTrace {
		t.Errorf("the trace of the listed alert is %q", got)
	}
	for _, s := range spans {
		for name, value := range s.Attributes {
			if strings.Contains(value, tracedMessage) || strings.Contains(value, "USER1_") || strings.Contains(value, "xoxb") {
				t.Errorf("attribute %s of %s is %s", name, s.Name, value)
			}
		}
	}
	for _, call := range d.calls(t) {
		if call.GetHeaders()["Traceparent"] != "" || call.GetHeaders()["Tracestate"] != "" {
			t.Errorf("the provider got %v", call.GetHeaders())
		}
	}
}

// TestTraceOfRetry lets the first attempt fail: the second one is in the same trace, and
// linked to the first.
func TestTraceOfRetry(t *testing.T) {
	for _, c := range traced {
		t.Run(c.name, func(t *testing.T) {
			receiver := otlptest.Start(t)
			exportTo(t, receiver)
			d := c.start(t)
			d.warmUp(t)
			d.fault(t, &mockupv1.Fault{Status: http.StatusServiceUnavailable})
			id := d.sendTraced(t)
			ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
			defer cancel()
			for len(d.calls(t)) == 0 {
				look(ctx, t)
			}
			d.reset(t)
			allSent(t, d.ended(t, id))
			spans := awaitTree(t, receiver, c.send+c.publish+c.attempt+c.publish+c.attempt)

			attempts, reports := named(spans, "send slack"), named(spans, "report slack")
			if !attempts[0].Failed || attempts[0].Attributes["bongsu.outcome"] != "retry" || attempts[0].Attributes["error.type"] != "http_503" || attempts[1].Failed {
				t.Errorf("attempts %+v", attempts)
			}
			if len(attempts[0].Links) != 0 || !slices.Equal(attempts[1].Links, []string{attempts[0].ID}) {
				t.Errorf("links of the first attempt %v and of the second %v, want none and %s", attempts[0].Links, attempts[1].Links, attempts[0].ID)
			}
			for i, report := range reports {
				if !slices.Equal(report.Links, []string{attempts[i].ID}) {
					t.Errorf("report %d has links %v, want %s", i, report.Links, attempts[i].ID)
				}
			}
		})
	}
}

// TestTraceWithoutExporter checks that a process without an exporter sends nothing, and that
// its alerts have the trace of their callers nevertheless.
func TestTraceWithoutExporter(t *testing.T) {
	receiver := otlptest.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.URL)
	t.Setenv("OTEL_TRACES_EXPORTER", "none")
	d := oneProcess(t)
	id := d.sendTraced(t)
	allSent(t, d.ended(t, id))
	d.verifyTrace(t, id, nil)
	must(t, d.front.Stop(t))
	if n := receiver.Requests(); n != 0 {
		t.Errorf("%d requests", n)
	}
}
