package messengertest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// FullMessage returns a message with all fields of an alert, and with the markup of the
// providers.
func FullMessage(credential, destination string) messenger.Message {
	return messenger.Message{
		DeliveryID:  7,
		Credential:  credential,
		Destination: destination,
		Text:        "[critical] disk_full on <db1> & *db2*\n- 노드1 장애 🔥\n\nsee https://wiki.example/a_b_c @everyone",
		Severity:    "critical",
		Title:       "Disk full <db1> & more",
		Link:        "https://grafana.example/d/1?a=1&b=2",
		Details:     []messenger.Detail{{Name: "host_name", Value: "db_1"}, {Name: "free", Value: "0 %"}},
		Time:        Noon,
	}
}

// PlainMessage returns a message with a text only.
func PlainMessage(credential, destination string) messenger.Message {
	return messenger.Message{DeliveryID: 7, Credential: credential, Destination: destination, Text: "[normal] node1 down", Severity: "normal", Time: Noon}
}

// Request returns the request of a messenger for a message: method, target, headers by
// name, and body. The outcome must be Sent, with Truncated equal to cut.
func Request(t *testing.T, s Sample, m messenger.Message, cut bool) []byte {
	t.Helper()
	var b bytes.Buffer
	base := Provider(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(&b, "%s %s\n", r.Method, r.RequestURI)
		for _, header := range slices.Sorted(maps.Keys(r.Header)) {
			fmt.Fprintf(&b, "%s: %s\n", header, strings.Join(r.Header[header], ", "))
		}
		fmt.Fprintf(&b, "\n%s\n", body)
		w.WriteHeader(s.ok())
		_, _ = io.WriteString(w, s.Sent)
	})
	if o := Send(t.Context(), t, s.At(t, base), m); o.Kind != messenger.Sent || o.Truncated != cut {
		t.Errorf("%+v, want Sent and Truncated %v", o, cut)
	}
	return b.Bytes()
}

// Goldens compares a messenger's requests with its golden files.
func Goldens(t *testing.T, s Sample, credential, destination string) {
	t.Helper()
	name := s.New(call.Endpoint{}).Spec().Name
	Golden(t, name+"/plain", Request(t, s, PlainMessage(credential, destination), false))
	Golden(t, name+"/full", Request(t, s, FullMessage(credential, destination), false))
}

// IncidentGoldens compares a messenger's requests for the messages of one incident with its
// golden files: the first, one with all fields, an answer, and changes.
func IncidentGoldens(t *testing.T, s Sample, credential, destination string) {
	t.Helper()
	name := s.New(call.Endpoint{}).Spec().Name
	const ack = "https://bongsu.example/ack?token=a_b&x=1"
	for golden, message := range map[string]messenger.Message{
		"firing":       {Text: "[high] node1 down", AckURL: ack},
		"firing-again": {Text: "[high] *node1* down", AckURL: ack, Previous: s.Reference},
		"reply":        {Text: "[critical] node1 down", AckURL: ack, Previous: s.Reference, Reply: true},
		"acknowledged": {Text: "[high] acknowledged: node1 down", AckURL: ack, Previous: s.Reference, Acknowledged: true},
		"resolved":     {Text: "[high] resolved: node1 down", AckURL: ack, Previous: s.Reference, Resolved: true},
	} {
		full := FullMessage(credential, destination)
		for _, m := range []*messenger.Message{&message, &full} {
			m.DeliveryID, m.Credential, m.Destination, m.Severity, m.Time = 8, credential, destination, "high", Noon
			m.AlertKey, m.Incident = "node1", 41
		}
		full.Text, full.AckURL, full.Previous, full.Reply = message.Text, message.AckURL, message.Previous, message.Reply
		full.Acknowledged, full.Resolved = message.Acknowledged, message.Resolved
		Golden(t, name+"/"+golden, Request(t, s, message, false))
		Golden(t, name+"/"+golden+"-full", Request(t, s, full, false))
	}
}
