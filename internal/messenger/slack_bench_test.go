package messenger

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
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
	for name, m := range map[string]Message{
		"plain": plainMessage("SLACK-USER1-TOKEN", "USER1_CHANNEL_ID"),
		"full":  full("SLACK-USER1-TOKEN", "USER1_CHANNEL_ID"),
	} {
		b.Run("content/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if content, cut := slackContentOf(m); content.Text == "" || cut {
					b.Fatal(content, cut)
				}
			}
		})
		s := Slack{Endpoint{Client: &http.Client{Transport: answer(`{"ok":true,"channel":"USER1_CHANNEL_ID","ts":"1503435956.000247"}`)}, Now: time.Now}}
		b.Run("send/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if o := s.Send(b.Context(), m); o.Kind != Sent {
					b.Fatal(o)
				}
			}
		})
	}
}
