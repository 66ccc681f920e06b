package storetest

import (
	"fmt"
	"testing"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

func testTemplates(t *testing.T, l alert.Ledger) {
	ctx := t.Context()
	all, err := l.Templates(ctx)
	requireNoError(t, err)
	requireEqual(t, len(all), 0)
	sms := alert.Template{Messenger: "sms", Text: "{{.Message}} '; DROP TABLE templates; -- 노드"}
	slack := alert.Template{Messenger: "slack", Severity: "높음", Text: "{{.Title}}"}
	requireNoError(t, l.SetTemplate(ctx, sms))
	requireNoError(t, l.SetTemplate(ctx, alert.Template{Messenger: "slack", Severity: "높음", Text: "old"}))
	requireNoError(t, l.SetTemplate(ctx, slack))
	all, err = l.Templates(ctx)
	requireNoError(t, err)
	requireEqual(t, all, []alert.Template{slack, sms})

	requireError(t, l.DeleteTemplate(ctx, "sms", "low"), fault.ErrNotFound, "sms", `"low"`)
	requireNoError(t, l.DeleteTemplate(ctx, "sms", ""))
	all, err = l.Templates(ctx)
	requireNoError(t, err)
	requireEqual(t, all, []alert.Template{slack})
	requireError(t, l.SetTemplate(ctx, alert.Template{Messenger: "slack", Text: "a\x00b"}), fault.ErrInvalid, "template")
}

func testTooManyTemplates(t *testing.T, l alert.Ledger) {
	for i := range alert.MaxTemplates {
		requireNoError(t, l.SetTemplate(t.Context(), alert.Template{Messenger: "slack", Severity: fmt.Sprint(i), Text: "x"}))
	}
	requireNoError(t, l.SetTemplate(t.Context(), alert.Template{Messenger: "slack", Severity: "7", Text: "y"}))
	requireError(t, l.SetTemplate(t.Context(), alert.Template{Messenger: "slack", Text: "x"}), fault.ErrInvalid, "delete some")
}
