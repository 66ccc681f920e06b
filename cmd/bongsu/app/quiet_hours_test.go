package app

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
	"github.com/bongsu-project/bongsu/services/directory"
)

// TestQuietHours sends alerts to a user in quiet hours: the critical one is sent at once, the
// others are one message when the quiet hours end. The time to live of a day has passed by then.
func TestQuietHours(t *testing.T) {
	clock := &steppedClock{}
	// Saturday noon in Berlin; the clocks go back in the night to Sunday.
	noon := time.Date(2026, time.October, 24, 10, 0, 0, 0, time.UTC)
	clock.set(time.Until(noon))
	a := runApp(t, Config{
		Services: []string{"all", Mockup}, Directory: directory.Config{DemoData: true}, Now: clock.now, Log: slog.New(slog.DiscardHandler),
	})
	edge := "http://" + a.Addr(Edge)
	status, body := get(t, http.MethodPut, edge+"/v1/users/user1", `{"quietHours":{"timeZone":"Europe/Berlin","intervals":[
		{"weekdays":["saturday:sunday"]},{"times":[{"startTime":"00:00","endTime":"07:00"},{"startTime":"22:00","endTime":"24:00"}]}]}}`)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	var held []string
	for i := range 3 {
		held = append(held, postAlert(t, edge, fmt.Sprintf(`{"target":["@user1","@user2"],"severity":"high","message":"held %d"}`, i)))
	}
	for _, id := range held {
		awaitThat(t, "the delivery to user1 is held back, that to user2 is sent", func() bool {
			_, body := get(t, http.MethodGet, edge+"/v1/alerts/"+id, "")
			return strings.Contains(body, "DELIVERY_STATE_SENT") && strings.Contains(body, `"state":"DELIVERY_STATE_QUEUED"`) &&
				strings.Contains(body, `"hold":"quiet_hours"`) && strings.Contains(body, `"nextAttemptTime":"2026-10-26T06:00:00Z"`)
		})
	}
	awaitSent(t, edge, postAlert(t, edge, `{"target":["@user1"],"severity":"critical","message":"at once"}`))

	calls := mockupv1connect.NewMockupServiceClient(http.DefaultClient, "http://"+a.Addr(Mockup))
	toUser1 := func() (texts []string) {
		t.Helper()
		res, err := calls.ListCalls(t.Context(), &mockupv1.ListCallsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range res.GetCalls() {
			if strings.Contains(c.GetBody(), "USER1_CHANNEL_ID") {
				texts = append(texts, c.GetBody())
			}
		}
		return texts
	}
	if got := toUser1(); len(got) != 1 || !strings.Contains(got[0], "at once") {
		t.Fatalf("in the quiet hours: %q", got)
	}
	clock.set(time.Until(time.Date(2026, time.October, 26, 6, 0, 0, 0, time.UTC)))
	for _, id := range held {
		awaitSent(t, edge, id)
	}
	got := toUser1()
	if len(got) != 2 {
		t.Fatalf("%d messages: %q", len(got), got)
	}
	for i := range held {
		if !strings.Contains(got[1], fmt.Sprintf("held %d", i)) {
			t.Errorf("alert %d is not in %q", i, got[1])
		}
	}
}
