package messenger

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/services/mockup"
)

// The forms of URLs of Power Automate and the connectors.
const (
	teamsURL = "https://default00.0a.environment.api.powerplatform.com/powerautomate/automations/direct/workflows/0123456789abcdef0123456789abcdef/" +
		"triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=SECRET%2BSECRET_SECRET-SECRET"
	teamsOldURL       = "https://prod-11.koreacentral.logic.azure.com:443/workflows/0123456789abcdef0123456789abcdef/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=SECRET"
	teamsConnectorURL = "https://example.webhook.office.com/webhookb2/01234567-89ab@cdef/IncomingWebhook/0123456789abcdef0123456789SECRET/01234567-89ab-cdef"
)

var teamsSample = sample{
	make:     maker(NewTeams),
	message:  Message{DeliveryID: 7, Credential: teamsURL, Destination: "#ops", Text: "[normal] node1 down"},
	status:   http.StatusAccepted,
	evidence: evidenceAccepted,
	means: map[int]classification{
		401: destinationFailed,
		404: destinationFailed,
		410: destinationFailed,
	},
	shortCredential: "https://example.com/workflows/a/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=a",
	shown:           markup{plain: []string{`{"type":"TextRun","text":"` + markupText + `"}`}, full: []string{`{"type":"TextRun","text":"` + markupText + `"}`}},
}

func TestTeamsPromises(t *testing.T) { verifyPromises(t, teamsSample) }

func TestTeamsFake(t *testing.T) { verifyFake(t, mockup.New(nil), teamsSample) }

func TestTeamsRequest(t *testing.T) { goldens(t, teamsSample, teamsURL, "Operations") }

func TestTeamsAnswers(t *testing.T) {
	connector := func(status string) string {
		return "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error " + status + " with ContextId tcid=0,server=X,cv=0.."
	}
	fault := func(code string) string { return `{"error":{"code":"` + code + `","message":"no"}}` }
	refused := func(scope Scope, code string, gone bool) Outcome {
		return Outcome{Kind: Failed, Scope: scope, Code: code, Gone: gone}
	}
	run := map[string]string{"x-ms-workflow-run-id": "08584EXAMPLE00CU12"}
	unreadable := Outcome{Kind: Unknown, Code: "unreadable_answer"}
	meanings(t, teamsSample, []answered{
		{202, nil, "", Outcome{Kind: Sent, Excerpt: evidenceAccepted}},
		{202, run, "", Outcome{Kind: Sent, MessageID: "08584EXAMPLE00CU12", Excerpt: evidenceAccepted}},
		{202, nil, "queued", Outcome{Kind: Sent}},
		{200, run, `{"done":true}`, Outcome{Kind: Sent, MessageID: "08584EXAMPLE00CU12"}},
		{200, nil, `{"done":true}`, unreadable},
		{200, nil, "", unreadable},
		{204, run, "", unreadable},
		{200, nil, "1", Outcome{Kind: Sent}},
		{200, nil, "11", unreadable},
		{200, nil, connector("429"), Outcome{Kind: Paused, Code: "http_429"}},
		{200, retryLater, connector("429"), Outcome{Kind: Paused, Code: "http_429", RetryAfter: later}},
		{202, run, connector("429"), Outcome{Kind: Paused, Code: "http_429"}},
		{200, nil, connector("413"), refused(MessageScope, "http_413", false)},
		{200, nil, connector("400"), refused(MessageScope, "http_400", false)},
		{200, nil, connector("404"), refused(DestinationScope, "http_404", false)},
		{200, nil, connector("410"), refused(DestinationScope, "http_410", true)},
		{200, nil, connector("412"), Outcome{Kind: Retry, Code: "http_412"}},
		{200, nil, connector("502"), Outcome{Kind: Retry, Code: "http_502"}},
		{429, retryLater, "", Outcome{Kind: Paused, Code: "http_429", RetryAfter: later}},
		{429, nil, fault("TooManyRequests"), Outcome{Kind: Paused, Code: "TooManyRequests"}},
		{412, nil, "", Outcome{Kind: Retry, Code: "http_412"}},
		{502, nil, fault("NoResponse"), Outcome{Kind: Retry, Code: "NoResponse"}},
		{504, retryLater, "", Outcome{Kind: Retry, Code: "http_504", RetryAfter: later}},
		{400, nil, fault("TriggerInputSchemaMismatch"), refused(MessageScope, "TriggerInputSchemaMismatch", false)},
		{413, nil, "", refused(MessageScope, "http_413", false)},
		{400, nil, fault("WorkflowTriggerIsNotEnabled"), refused(DestinationScope, "WorkflowTriggerIsNotEnabled", false)},
		{404, nil, fault("WorkflowTriggerIsNotEnabled"), refused(DestinationScope, "WorkflowTriggerIsNotEnabled", false)},
		{404, nil, fault("WorkflowNotFound"), refused(DestinationScope, "WorkflowNotFound", true)},
		{401, nil, fault("DirectApiAuthorizationRequired"), refused(DestinationScope, "DirectApiAuthorizationRequired", true)},
		{401, nil, "<html>", refused(DestinationScope, "http_401", false)}, // not an error body of the provider
		{404, nil, "<html>", refused(DestinationScope, "http_404", false)},
		{410, nil, "", refused(DestinationScope, "http_410", true)},
		{403, nil, fault("AuthorizationFailed"), refused(CredentialScope, "AuthorizationFailed", false)},
		{302, nil, fault("Moved"), refused(MessageScope, "redirect", false)},
	})
}

func TestTeamsSettings(t *testing.T) {
	checks(t, Teams{}.Spec().Credential, map[string]bool{
		teamsURL: true, teamsOldURL: true, teamsConnectorURL: true, "https://outlook.office.com/webhook/a@b/IncomingWebhook/c/d": true,
		"": false, "https://teams.microsoft.com/l/channel/1": false, strings.Split(teamsURL, "&sig")[0]: false,
		strings.Replace(teamsURL, "https", "http", 1): false,
	})
	checks(t, Teams{}.Spec().Destination, map[string]bool{"": true, "Operations": true})
}

// TestTeamsFitsTheLimit exceeds the limit of Teams.
func TestTeamsFitsTheLimit(t *testing.T) {
	var got string
	base := provider(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
		w.WriteHeader(http.StatusAccepted)
	})
	for name, c := range map[string]struct {
		change func(*Message)
		shown  []string // that the card must contain nevertheless
	}{
		"a long text":       {func(m *Message) { m.Text = "head " + strings.Repeat("봉수", 10_000) }, []string{"head ", "…", "grafana.example"}},
		"a text of lines":   {func(m *Message) { m.Text = "head" + strings.Repeat("\nx", 5_000) }, []string{"head", "x…"}},
		"a text of escapes": {func(m *Message) { m.Text = "head" + strings.Repeat("\"\t", 10_000) }, []string{"head", "…"}},
		"a title of no end": {func(m *Message) { m.Title = "head" + strings.Repeat("t", 20_000) }, []string{"head", "t…", "disk_full", "db_1"}},
		"a link of no end":  {func(m *Message) { m.Link = "https://h.example/" + strings.Repeat("l", 20_000) }, []string{"disk_full", "db_1"}},
		"details of no end": {func(m *Message) { m.Details = slices.Repeat(m.Details, 500) }, []string{"disk_full", "db_1"}},
		"everything at once": {func(m *Message) {
			m.Text = strings.Repeat("봉", 20_000)
			m.Title = strings.Repeat("t", 20_000)
			m.Details = slices.Repeat(m.Details, 500)
		}, []string{"…", "t…"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := full(teamsURL, "")
			c.change(&m)
			if o := send(t.Context(), t, teamsSample.at(t, base), m); o.Kind != Sent || !o.Truncated || len(got) > 28_000 {
				t.Errorf("%+v: %d bytes", o, len(got))
			}
			for _, text := range c.shown {
				if !strings.Contains(got, text) {
					t.Errorf("%q is missing", text)
				}
			}
		})
	}
}

// TestTeamsQuotesItsURL has a workflow quote a short signature.
func TestTeamsQuotesItsURL(t *testing.T) {
	const credential = "https://example.com/workflows/x?sig=ab"
	quoted(t, teamsSample, credential, "bad sig=ab", "bad sig=[redacted]")
	quoted(t, teamsSample, credential, `{"sig":"AB"}`, `{"sig":"[redacted]"}`)
}
