package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// by creates a user with one address.
func (d deployment) by(t *testing.T, name, messenger, credential, destination string) {
	t.Helper()
	body := fmt.Sprintf(`{"nickName":%q,"addresses":[{"messenger":%q,"credential":%q,"destination":%q}]}`, name, messenger, credential, destination)
	if status, answer := request(t, http.MethodPost, d.edge+"/v1/users", body); status != http.StatusCreated {
		t.Fatalf("%d %s", status, answer)
	}
}

// TestMailRefused lets a relay reject recipients, mails and a login: each delivery
// fails on its own, with the relay's code and its scope.
func TestMailRefused(t *testing.T) {
	const good = "smtp://bongsu:secret@relay.example.com?from=bongsu@example.com"
	d := oneProcess(t)
	rows := map[string]struct {
		credential, destination string
		status                  int32
		code                    string
		scope                   messengerv1.Scope
	}{
		"nobody": {good, "550@example.com", 550, "5.1.1", messengerv1.Scope_SCOPE_DESTINATION},
		"spam":   {good, "end-554@example.com", 554, "5.7.1", messengerv1.Scope_SCOPE_MESSAGE},
		"login":  {"smtp://bongsu:wrong@relay.example.com?from=bongsu@example.com", "ops@example.com", 535, "5.7.8", messengerv1.Scope_SCOPE_CREDENTIAL},
	}
	targets := []string{`"@ops"`}
	d.by(t, "ops", "email", good, "ops@example.com")
	for name, row := range rows {
		d.by(t, name, "email", row.credential, row.destination)
		targets = append(targets, `"@`+name+`"`)
	}
	for _, delivery := range d.ended(t, d.send(t, `{"target":[`+strings.Join(targets, ",")+`],"message":"m"}`).ID) {
		attempts := delivery.GetAttempts()
		row, refused := rows[delivery.GetNickName()]
		if !refused {
			allSent(t, []*alertv1.Delivery{delivery})
			continue
		}
		if delivery.GetState() != alertv1.DeliveryState_DELIVERY_STATE_FAILED || delivery.GetReason() != row.code || len(attempts) != 1 {
			t.Errorf("%v", delivery)
			continue
		}
		if o := attempts[0].GetOutcome(); o.GetProviderStatus() != row.status || o.GetScope() != row.scope || strings.Contains(o.String(), "secret") {
			t.Errorf("%s: %v", delivery.GetNickName(), o)
		}
	}
}

// TestMailRecovers lets a relay fail for a while: rejected mails are retried, and a
// retry of a mail that the relay may have accepted is marked.
func TestMailRecovers(t *testing.T) {
	for name, c := range map[string]struct {
		fault *mockupv1.Fault
		want  string
	}{
		"temporary failure":          {&mockupv1.Fault{Path: "ops@example.com", Status: 451}, "retry sent"},
		"busy":                       {&mockupv1.Fault{Path: "ops@example.com", Status: 454}, "paused sent"},
		"closed after the final dot": {&mockupv1.Fault{Path: "ops@example.com", CloseConnection: true}, "unknown sent(possible duplicate)"},
	} {
		t.Run(name, func(t *testing.T) {
			d := oneProcess(t)
			d.by(t, "ops", "email", "smtp://relay.example.com?from=bongsu@example.com", "ops@example.com")
			d.fault(t, c.fault)
			id := d.send(t, `{"target":["@ops"],"message":"m"}`).ID
			d.tried(t, id, 1)
			d.fault(t, &mockupv1.Fault{Path: "ops@example.com"}) // replaces the other fault
			deliveries := d.ended(t, id)
			allSent(t, deliveries)
			got := kinds(deliveries[0])
			first, rest, _ := strings.Cut(c.want, " ")
			if !strings.HasPrefix(got, first) || !strings.HasSuffix(got, rest) {
				t.Errorf("attempts %q, want %q", got, c.want)
			}
			ids := map[string]bool{}
			for _, call := range d.calls(t) {
				_, after, _ := strings.Cut(call.GetBody(), "Message-ID: ")
				id, _, _ := strings.Cut(after, "\n")
				ids[id] = true
			}
			if len(ids) != 1 || ids[""] {
				t.Errorf("Message-IDs %v", ids)
			}
		})
	}
}
