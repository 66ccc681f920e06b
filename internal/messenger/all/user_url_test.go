package all

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
)

// TestResponsesHideTheNetwork verifies that outcomes for user-given URLs do not reveal
// whether a port is closed or filtered, neither of Send nor of Verify.
func TestResponsesHideTheNetwork(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	refused := messengertest.NewClient(t)
	filtered := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: context.DeadlineExceeded}
	}}}
	outcomes := func(client *http.Client) (all []messenger.Outcome) {
		e := messengertest.Endpoint("", client)
		e.HTTP = true
		e.Dial = call.NewDialer(call.ClientConfig{AllowAll: true})
		if client == filtered {
			e.Dial = filtered.Transport.(*http.Transport).DialContext
		}
		for _, m := range Messengers(func(string) call.Endpoint { return e }, nil) {
			credential := map[string]string{
				"discord": "/api/webhooks/1/SECRET", "slackhook": "/services/T/B/SECRET", "teams": "/workflows/x?sig=SECRET", "webhook": "/hook", "ntfy": "", "mattermost": "/hooks/SECRET", "rocketchat": "/hooks/1/SECRET",
			}[m.Spec().Name]
			destination := "topic"
			switch {
			case m.Spec().Name == "email":
				credential, destination = "smtp://"+address+"?tls=off&from=a@example.com", "ops@example.com"
			case m.Spec().Name == "httpx":
				credential = `{"url":"http://` + address + `/hook"}`
			case !m.Spec().Credential.URL, m.Spec().Name == "googlechat": // its host is fixed
				continue
			default:
				credential = "http://" + address + credential
			}
			all = append(all, m.Send(t.Context(), messenger.Message{Credential: credential, Destination: destination, Text: "x"}))
			if v, ok := m.(messenger.Verifier); ok {
				all = append(all, v.Verify(t.Context(), credential, destination))
			}
		}
		return all
	}
	of, with := outcomes(refused), outcomes(filtered)
	if len(of) != 11 {
		t.Fatalf("%d outcomes", len(of))
	}
	for i := range of {
		if of[i] != with[i] || of[i].Code != "unreachable" || strings.Contains(of[i].Excerpt, "127.0.0.1") {
			t.Errorf("closed: %+v, filtered: %+v", of[i], with[i])
		}
	}
}
