package slack

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
)

// An answer is a transport without a network.
type answer string

func (a answer) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(string(a))), Request: req,
	}, nil
}

// BenchmarkSlack encodes a message and sends it by a client without a network: the cost
// of a delivery without the call itself.
func BenchmarkSlack(b *testing.B) {
	for name, m := range map[string]messenger.Message{
		"plain": messengertest.PlainMessage("SLACK-USER1-TOKEN", "USER1_CHANNEL_ID"),
		"full":  messengertest.FullMessage("SLACK-USER1-TOKEN", "USER1_CHANNEL_ID"),
	} {
		b.Run("content/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if content, cut := contentOf(m); content.Text == "" || cut {
					b.Fatal(content, cut)
				}
			}
		})
		s := Messenger{call.Endpoint{Client: &http.Client{Transport: answer(`{"ok":true,"channel":"USER1_CHANNEL_ID","ts":"1503435956.000247"}`)}, Now: time.Now}}
		b.Run("send/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if o := s.Send(b.Context(), m); o.Kind != messenger.Sent {
					b.Fatal(o)
				}
			}
		})
	}
}
