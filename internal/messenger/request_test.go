package messenger

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// full returns a message with all fields of an alert, and with the markup of the
// providers.
func full(credential, destination string) Message {
	return Message{
		DeliveryID:  7,
		Credential:  credential,
		Destination: destination,
		Text:        "[critical] disk_full on <db1> & *db2*\n- 노드1 장애 🔥\n\nsee https://wiki.example/a_b_c @everyone",
		Severity:    "critical",
		Title:       "Disk full <db1> & more",
		Link:        "https://grafana.example/d/1?a=1&b=2",
		Details:     []Detail{{Name: "host_name", Value: "db_1"}, {Name: "free", Value: "0 %"}},
		Time:        noon,
	}
}

// plainMessage returns a message with a text only.
func plainMessage(credential, destination string) Message {
	return Message{DeliveryID: 7, Credential: credential, Destination: destination, Text: "[normal] node1 down", Severity: "normal", Time: noon}
}

// wire returns the request of a messenger for a message: method, target, headers by
// name, and body. The outcome must be Sent, with Cut equal to cut.
func wire(t *testing.T, s sample, m Message, cut bool) []byte {
	t.Helper()
	var b bytes.Buffer
	base := provider(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(&b, "%s %s\n", r.Method, r.RequestURI)
		for _, header := range slices.Sorted(maps.Keys(r.Header)) {
			fmt.Fprintf(&b, "%s: %s\n", header, strings.Join(r.Header[header], ", "))
		}
		fmt.Fprintf(&b, "\n%s\n", body)
		w.WriteHeader(s.ok())
		_, _ = io.WriteString(w, s.sent)
	})
	if o := send(t.Context(), t, s.at(t, base), m); o.Kind != Sent || o.Truncated != cut {
		t.Errorf("%+v, want Sent and Cut %v", o, cut)
	}
	return b.Bytes()
}

// goldens compares a messenger's requests with its golden files.
func goldens(t *testing.T, s sample, credential, destination string) {
	t.Helper()
	name := s.make(Endpoint{}).Spec().Name
	golden(t, name+"/plain", wire(t, s, plainMessage(credential, destination), false))
	golden(t, name+"/full", wire(t, s, full(credential, destination), false))
}
