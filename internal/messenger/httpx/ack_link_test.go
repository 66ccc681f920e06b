package httpx

import (
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
)

// TestAckLink sends the link to acknowledge as the end of a text, also of one that is cut,
// unless a message costs money.
func TestAckLink(t *testing.T) {
	firing := func(s messengertest.Sample, text string) messenger.Message {
		m := s.Message
		m.AlertKey, m.Text, m.AckURL = "node1", text, "https://bongsu.example/ack?t=a_b"
		return m
	}
	for text, cut := range map[string]bool{"node1 down": false, strings.Repeat("x", 40_000): true} {
		request := string(messengertest.Request(t, mattermostSample, firing(mattermostSample, text), cut))
		if !strings.Contains(request, `\n\nAcknowledge: https://bongsu.example/ack?t=a_b"}`) {
			t.Errorf("no link in %.300s", request)
		}
		request = string(messengertest.Request(t, ncpSENSSample, firing(ncpSENSSample, text), cut))
		if strings.Contains(request, "bongsu.example") {
			t.Errorf("a link in %.300s", request)
		}
	}
	long := firing(mattermostSample, "node1 down")
	long.AckURL += strings.Repeat("x", 20_000)
	if request := string(messengertest.Request(t, mattermostSample, long, true)); !strings.Contains(request, `node1 down"}`) {
		t.Errorf("a long link makes %.300s", request)
	}
}
