package mockup

import (
	"net/http"
	"strings"
	"testing"
)

// TestResponseIsRecorded verifies that a call is recorded with its response, so that ids
// in a delivery record can be compared with the provider's, up to maxResponse bytes.
func TestResponseIsRecorded(t *testing.T) {
	m := New(nil)
	for name, text := range map[string]string{"short": "node1 down", "long": strings.Repeat("x", 2*maxResponse)} {
		t.Run(name, func(t *testing.T) {
			m.Reset()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/api/chat.postMessage", nil)
			if err != nil {
				t.Fatal(err)
			}
			call := m.recordRequest(r, nil)
			m.recordResponse(call, jsonResponse(http.StatusOK, slackReply{OK: true, TS: "1.000001", Message: &slackMessage{text}}))
			got := m.Calls("")[0]
			if got.AnswerStatus != http.StatusOK || !strings.Contains(got.AnswerBody, `"ts":"1.000001"`) || len(got.AnswerBody) > maxResponse {
				t.Errorf("the record holds %d %q", got.AnswerStatus, got.AnswerBody)
			}
			if len(got.AnswerHeaders) != 1 || got.AnswerHeaders[0].Name != "Content-Type" {
				t.Errorf("the record holds the headers %v", got.AnswerHeaders)
			}
		})
	}
}
