package messengertest

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// AckURL is the page of acknowledgment of IncidentMessages. Its secret must be in no outcome.
const AckURL = "https://bongsu.example/ack/3?expires=1,2;3&token=SECRET-ack-token"

// IncidentMessages returns the messages of one incident at one address, in their order:
// firing, acknowledged, firing again and resolved. Their Previous is empty.
func IncidentMessages(credential, destination string) []messenger.Message {
	of := func(delivery int64, text string) messenger.Message {
		return messenger.Message{
			DeliveryID: delivery, AlertID: delivery, Credential: credential, Destination: destination, Time: Noon,
			Text: text, Severity: "critical", AlertKey: "db1/disk", Incident: 3,
		}
	}
	firing, acknowledged := of(7, "[critical] disk full"), of(8, "[critical] acknowledged: disk full")
	again, resolved := of(9, "[critical] disk full for an hour"), of(10, "[critical] resolved: disk full")
	firing.AckURL, again.AckURL = AckURL, AckURL
	acknowledged.Acknowledged, resolved.Resolved = true, true
	again.Reply = true
	return []messenger.Message{firing, acknowledged, again, resolved}
}

// Get decodes the JSON that a fake responds with to a GET request, such as its state.
func Get(t *testing.T, url string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := NewClient(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %v", url, res.Status, err)
	}
}
