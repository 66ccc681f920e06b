package alert_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger/all"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// TestTemplates sets text templates through the API, and renders alerts with them.
func TestTemplates(t *testing.T) {
	store, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	renderer := alert.NewTextRenderer(store, time.Now, slog.New(slog.DiscardHandler))
	h := &alert.MessengerHandler{Specs: all.Specs(), Templates: store, Renderer: renderer}
	set := func(severity, text string) (string, error) {
		res, err := h.SetTemplate(context.Background(), &messengerv1.SetTemplateRequest{
			Template: &messengerv1.Template{Messenger: "slack", Severity: severity, Text: text},
		})
		return res.GetExample(), err
	}
	written := func(severity string) string {
		a := alert.Alert{Severity: severity, Message: "disk full", Title: "db1", Details: []job.Detail{{Name: "free", Value: "0 %"}}}
		if err := renderer.Render(t.Context(), &a, []string{"slack", "email"}); err != nil {
			t.Fatal(err)
		}
		if _, ok := a.Texts["email"]; ok {
			t.Error("a messenger without a template has a rendered text")
		}
		return a.Content("slack").Text
	}
	if got := written("high"); got != "[high] disk full" {
		t.Errorf("without templates: %q", got)
	}
	if example, err := set("", "{{.Text}}{{range .Details}} ({{.Name}} {{.Value}}){{end}}"); err != nil || example != "[normal] node1 down (host node1) (job node)" {
		t.Fatalf("%q, %v", example, err)
	}
	if _, err := set("critical", "{{.Title | upper}}: {{.Message}}"); err != nil {
		t.Fatal(err)
	}
	if _, err := set("odd", `{{if eq .Message "disk full"}}{{index .Details 9}}{{else}}x{{end}}`); err != nil {
		t.Fatal(err)
	}
	if _, err := set("grown", `{{if eq .Message "disk full"}}{{len (printf "`+strings.Repeat("%[1]s", 3000)+`" .Message)}}{{else}}x{{end}}`); err != nil {
		t.Fatal(err)
	}
	for severity, want := range map[string]string{
		"high": "[high] disk full (free 0 %)", "critical": "DB1: disk full",
		"grown": "[grown] disk full",
		"odd":   "[odd] disk full", // the template fails, so the default text is used
	} {
		if got := written(severity); got != want {
			t.Errorf("%s: %q, want %q", severity, got, want)
		}
	}
	for text, why := range map[string]string{"{{.Message": "unclosed", "{{.Nothing}}": "Nothing", "{{range 1000000000000}}{{end}}": "steps"} {
		if _, err := set("", text); err == nil || !strings.HasPrefix(err.Error(), "template.text: ") || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := h.DeleteTemplate(t.Context(), &messengerv1.DeleteTemplateRequest{Messenger: "slack", Severity: "critical"}); err != nil {
		t.Fatal(err)
	}
	if got := written("critical"); got != "[critical] disk full (free 0 %)" {
		t.Errorf("after the deletion: %q", got)
	}
}

// TestTemplateStatus renders alerts of each status with a template.
func TestTemplateStatus(t *testing.T) {
	store, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), time.Now)
	must(t, err)
	t.Cleanup(func() { _ = store.Close() })
	must(t, store.SetTemplate(t.Context(), alert.Template{Messenger: "slack", Text: "{{.Status}} {{.Text}}"}))
	renderer := alert.NewTextRenderer(store, time.Now, slog.New(slog.DiscardHandler))
	for want, a := range map[string]alert.Alert{
		"firing [high] m":                     {},
		"acknowledged [high] acknowledged: m": {Acknowledged: true},
		"resolved [high] resolved: m":         {Resolved: true},
	} {
		a.Severity, a.Message, a.AlertKey = "high", "m", "k"
		must(t, renderer.Render(t.Context(), &a, []string{"slack"}))
		if got := a.Content("slack").Text; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
