package teams

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/services/mockup"
)

// The forms of URLs of Power Automate and the connectors.
const (
	workflowURL = "https://default00.0a.environment.api.powerplatform.com/powerautomate/automations/direct/workflows/0123456789abcdef0123456789abcdef/" +
		"triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=SECRET%2BSECRET_SECRET-SECRET"
	oldWorkflowURL = "https://prod-11.koreacentral.logic.azure.com:443/workflows/0123456789abcdef0123456789abcdef/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=SECRET"
	connectorURL   = "https://example.webhook.office.com/webhookb2/01234567-89ab@cdef/IncomingWebhook/0123456789abcdef0123456789SECRET/01234567-89ab-cdef"
)

var sample = messengertest.Sample{
	New:      messengertest.Maker(New),
	Message:  messenger.Message{DeliveryID: 7, Credential: workflowURL, Destination: "#ops", Text: "[normal] node1 down"},
	Status:   http.StatusAccepted,
	Evidence: evidenceAccepted,
	Means: map[int]call.Classification{
		401: call.DestinationFailed,
		404: call.DestinationFailed,
		410: call.DestinationFailed,
	},
	ShortCredential: "https://example.com/workflows/a/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=a",
	Shown:           messengertest.Markup{Plain: []string{`{"type":"TextRun","text":"` + messengertest.MarkupText + `"}`}, Full: []string{`{"type":"TextRun","text":"` + messengertest.MarkupText + `"}`}},
}

func TestPromises(t *testing.T) { messengertest.Run(t, sample) }

func TestFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), sample) }

func TestTeamsRequest(t *testing.T) {
	messengertest.Goldens(t, sample, workflowURL, "Operations")
	messengertest.IncidentGoldens(t, sample, workflowURL, "Operations")
}

func TestTeamsResponses(t *testing.T) {
	connector := func(status string) string {
		return "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error " + status + " with ContextId tcid=0,server=X,cv=0.."
	}
	fault := func(code string) string { return `{"error":{"code":"` + code + `","message":"no"}}` }
	refused := func(scope messenger.Scope, code string, gone bool) messenger.Outcome {
		return messenger.Outcome{Kind: messenger.Failed, Scope: scope, Code: code, Gone: gone}
	}
	run := map[string]string{"x-ms-workflow-run-id": "08584EXAMPLE00CU12"}
	unreadable := messenger.Outcome{Kind: messenger.Unknown, Code: "unreadable_answer"}
	messengertest.CheckOutcomes(t, sample, []messengertest.Response{
		{202, nil, "", messenger.Outcome{Kind: messenger.Sent, Excerpt: evidenceAccepted}},
		{202, run, "", messenger.Outcome{Kind: messenger.Sent, MessageID: "08584EXAMPLE00CU12", Excerpt: evidenceAccepted}},
		{202, nil, "queued", messenger.Outcome{Kind: messenger.Sent}},
		{200, run, `{"done":true}`, messenger.Outcome{Kind: messenger.Sent, MessageID: "08584EXAMPLE00CU12"}},
		{200, nil, `{"done":true}`, unreadable},
		{200, nil, "", unreadable},
		{204, run, "", unreadable},
		{200, nil, "1", messenger.Outcome{Kind: messenger.Sent}},
		{200, nil, "11", unreadable},
		{200, nil, connector("429"), messenger.Outcome{Kind: messenger.Paused, Code: "http_429"}},
		{200, messengertest.RetryLater, connector("429"), messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: messengertest.Later}},
		{202, run, connector("429"), messenger.Outcome{Kind: messenger.Paused, Code: "http_429"}},
		{200, nil, connector("413"), refused(messenger.MessageScope, "http_413", false)},
		{200, nil, connector("400"), refused(messenger.MessageScope, "http_400", false)},
		{200, nil, connector("404"), refused(messenger.DestinationScope, "http_404", false)},
		{200, nil, connector("410"), refused(messenger.DestinationScope, "http_410", true)},
		{200, nil, connector("412"), messenger.Outcome{Kind: messenger.Retry, Code: "http_412"}},
		{200, nil, connector("502"), messenger.Outcome{Kind: messenger.Retry, Code: "http_502"}},
		{429, messengertest.RetryLater, "", messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: messengertest.Later}},
		{429, nil, fault("TooManyRequests"), messenger.Outcome{Kind: messenger.Paused, Code: "TooManyRequests"}},
		{412, nil, "", messenger.Outcome{Kind: messenger.Retry, Code: "http_412"}},
		{502, nil, fault("NoResponse"), messenger.Outcome{Kind: messenger.Retry, Code: "NoResponse"}},
		{504, messengertest.RetryLater, "", messenger.Outcome{Kind: messenger.Retry, Code: "http_504", RetryAfter: messengertest.Later}},
		{400, nil, fault("TriggerInputSchemaMismatch"), refused(messenger.MessageScope, "TriggerInputSchemaMismatch", false)},
		{413, nil, "", refused(messenger.MessageScope, "http_413", false)},
		{400, nil, fault("WorkflowTriggerIsNotEnabled"), refused(messenger.DestinationScope, "WorkflowTriggerIsNotEnabled", false)},
		{404, nil, fault("WorkflowTriggerIsNotEnabled"), refused(messenger.DestinationScope, "WorkflowTriggerIsNotEnabled", false)},
		{404, nil, fault("WorkflowNotFound"), refused(messenger.DestinationScope, "WorkflowNotFound", true)},
		{401, nil, fault("DirectApiAuthorizationRequired"), refused(messenger.DestinationScope, "DirectApiAuthorizationRequired", true)},
		{401, nil, "<html>", refused(messenger.DestinationScope, "http_401", false)}, // not an error body of the provider
		{404, nil, "<html>", refused(messenger.DestinationScope, "http_404", false)},
		{410, nil, "", refused(messenger.DestinationScope, "http_410", true)},
		{403, nil, fault("AuthorizationFailed"), refused(messenger.CredentialScope, "AuthorizationFailed", false)},
		{302, nil, fault("Moved"), refused(messenger.MessageScope, "redirect", false)},
	})
}

func TestTeamsSettings(t *testing.T) {
	messengertest.CheckSetting(t, Messenger{}.Spec().Credential, map[string]bool{
		workflowURL: true, oldWorkflowURL: true, connectorURL: true, "https://outlook.office.com/webhook/a@b/IncomingWebhook/c/d": true,
		"": false, "https://teams.microsoft.com/l/channel/1": false, strings.Split(workflowURL, "&sig")[0]: false,
		strings.Replace(workflowURL, "https", "http", 1): false,
	})
	messengertest.CheckSetting(t, Messenger{}.Spec().Destination, map[string]bool{"": true, "Operations": true})
}

// TestTeamsFitsTheLimit exceeds the limit of Teams.
func TestTeamsFitsTheLimit(t *testing.T) {
	var got string
	base := messengertest.Provider(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
		w.WriteHeader(http.StatusAccepted)
	})
	for name, c := range map[string]struct {
		change func(*messenger.Message)
		shown  []string // that the card must contain nevertheless
	}{
		"a long text":       {func(m *messenger.Message) { m.Text = "head " + strings.Repeat("봉수", 10_000) }, []string{"head ", "…", "grafana.example"}},
		"a text of lines":   {func(m *messenger.Message) { m.Text = "head" + strings.Repeat("\nx", 5_000) }, []string{"head", "x…"}},
		"a text of escapes": {func(m *messenger.Message) { m.Text = "head" + strings.Repeat("\"\t", 10_000) }, []string{"head", "…"}},
		"a title of no end": {func(m *messenger.Message) { m.Title = "head" + strings.Repeat("t", 20_000) }, []string{"head", "t…", "disk_full", "db_1"}},
		"a link of no end":  {func(m *messenger.Message) { m.Link = "https://h.example/" + strings.Repeat("l", 20_000) }, []string{"disk_full", "db_1"}},
		"details of no end": {func(m *messenger.Message) { m.Details = slices.Repeat(m.Details, 500) }, []string{"disk_full", "db_1"}},
		"everything at once": {func(m *messenger.Message) {
			m.Text = strings.Repeat("봉", 20_000)
			m.Title = strings.Repeat("t", 20_000)
			m.Details = slices.Repeat(m.Details, 500)
		}, []string{"…", "t…"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := messengertest.FullMessage(workflowURL, "")
			c.change(&m)
			if o := messengertest.Send(t.Context(), t, sample.At(t, base), m); o.Kind != messenger.Sent || !o.Truncated || len(got) > 28_000 {
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
	messengertest.CheckEvidence(t, sample, credential, "bad sig=ab", "bad sig=[redacted]")
	messengertest.CheckEvidence(t, sample, credential, `{"sig":"AB"}`, `{"sig":"[redacted]"}`)
}
