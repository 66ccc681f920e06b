package mockup

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// teamsLimit is the maximum size of a request, in bytes.
const teamsLimit = 28 << 10

// teams responds as a workflow of Power Automate that posts its input: it accepts with
// 202 and no body, before the result is known. It accepts every workflow with a signed
// URL.
func (m *Mockup) teams(r *http.Request, body []byte) response {
	query := r.URL.Query()
	switch {
	case query.Get("api-version") == "":
		return teamsError(http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	case query.Get("sig") == "" || query.Get("sp") == "":
		return teamsError(http.StatusUnauthorized, "DirectApiAuthorizationRequired", "The request must be authenticated only by Shared Access scheme.")
	case len(body) > teamsLimit:
		return teamsError(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request entity is too large.")
	case !isTeamsMessage(body):
		return teamsError(http.StatusBadRequest, "TriggerInputSchemaMismatch", "The input body for trigger 'manual' of type 'Request' did not match its schema definition.")
	}
	// Four a second: see internal/messenger/teams.
	if wait := m.takeLimit("teams "+r.URL.Path, 4, 4); wait > 0 {
		busy := teamsError(http.StatusTooManyRequests, "TooManyRequests", "Rate limit is exceeded.")
		busy.headers["Retry-After"] = seconds(wait)
		return busy
	}
	run := fmt.Sprintf("0858%016dCU00", m.uniqueMicros())
	return response{
		status: http.StatusAccepted, headers: map[string]string{"x-ms-workflow-run-id": run},
		effect: m.addMessage(Message{Provider: "teams", Destination: r.URL.Path, ID: run, Text: teamsText(body)}),
	}
}

// teamsConnector responds as the older connectors: with HTTP 200, and the body 1 for
// success.
func (m *Mockup) teamsConnector(r *http.Request, body []byte) response {
	var text struct{ Text string }
	switch {
	case len(body) > teamsLimit:
		return m.teamsConnectorError(http.StatusRequestEntityTooLarge)
	case !isTeamsMessage(body) && (json.Unmarshal(body, &text) != nil || text.Text == ""):
		return response{status: http.StatusBadRequest, headers: map[string]string{"Content-Type": "text/plain; charset=utf-8"}, body: "Summary or Text is required."}
	case m.takeLimit("teams "+r.URL.Path, 4, 4) > 0:
		return m.teamsConnectorError(http.StatusTooManyRequests)
	}
	return response{
		status: http.StatusOK, headers: map[string]string{"Content-Type": "text/plain; charset=utf-8"}, body: "1",
		effect: m.addMessage(Message{Provider: "teams", Destination: r.URL.Path, ID: strconv.FormatInt(m.uniqueMicros(), 10), Text: cmp.Or(teamsText(body), text.Text)}),
	}
}

// teamsConnectorError returns a failure with a status of success.
func (m *Mockup) teamsConnectorError(status int) response {
	return response{
		status: http.StatusOK, headers: map[string]string{"Content-Type": "text/plain; charset=utf-8"},
		body: fmt.Sprintf("Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error %d with ContextId tcid=%d,server=MOCKUP,cv=0..", status, m.uniqueMicros()),
	}
}

// isTeamsMessage reports whether a body is a message with an Adaptive Card.
func isTeamsMessage(body []byte) bool {
	var message struct {
		Type        string
		Attachments []struct {
			ContentType string
			Content     struct {
				Type    string
				Version string
				Body    []struct{ Type string }
			}
		}
	}
	if json.Unmarshal(body, &message) != nil || message.Type != "message" || len(message.Attachments) == 0 {
		return false
	}
	for _, a := range message.Attachments {
		if a.ContentType != "application/vnd.microsoft.card.adaptive" || a.Content.Type != "AdaptiveCard" || a.Content.Version == "" || len(a.Content.Body) == 0 {
			return false
		}
	}
	return true
}

// teamsText returns the text of the cards of a message, a line for each block.
func teamsText(body []byte) string {
	var message struct {
		Attachments []struct {
			Content struct {
				Body []struct {
					Text    string
					Inlines []struct{ Text string }
				}
			}
		}
	}
	if json.Unmarshal(body, &message) != nil {
		return ""
	}
	var lines []string
	for _, a := range message.Attachments {
		for _, block := range a.Content.Body {
			line := block.Text
			for _, inline := range block.Inlines {
				line += inline.Text
			}
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func teamsError(status int, code, message string) response {
	return jsonResponse(status, map[string]any{"error": map[string]any{"code": code, "message": message}})
}
