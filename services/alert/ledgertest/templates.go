package ledgertest

import (
	"fmt"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

func testTemplates(t *testing.T, l alert.Ledger) {
	ctx := t.Context()
	all, err := l.Templates(ctx)
	kittest.NoError(t, err)
	kittest.Equal(t, len(all), 0)
	sms := alert.Template{Messenger: "sms", Text: "{{.Message}} '; DROP TABLE templates; -- 노드"}
	slack := alert.Template{Messenger: "slack", Severity: "높음", Text: "{{.Title}}"}
	kittest.NoError(t, l.SetTemplate(ctx, sms))
	kittest.NoError(t, l.SetTemplate(ctx, alert.Template{Messenger: "slack", Severity: "높음", Text: "old"}))
	kittest.NoError(t, l.SetTemplate(ctx, slack))
	all, err = l.Templates(ctx)
	kittest.NoError(t, err)
	kittest.Equal(t, all, []alert.Template{slack, sms})

	kittest.Error(t, l.DeleteTemplate(ctx, "sms", "low"), fault.ErrNotFound, "sms", `"low"`)
	kittest.NoError(t, l.DeleteTemplate(ctx, "sms", ""))
	all, err = l.Templates(ctx)
	kittest.NoError(t, err)
	kittest.Equal(t, all, []alert.Template{slack})
	kittest.Error(t, l.SetTemplate(ctx, alert.Template{Messenger: "slack", Text: "a\x00b"}), fault.ErrInvalid, "template")
}

func testTooManyTemplates(t *testing.T, l alert.Ledger) {
	for i := range alert.MaxTemplates {
		kittest.NoError(t, l.SetTemplate(t.Context(), alert.Template{Messenger: "slack", Severity: fmt.Sprint(i), Text: "x"}))
	}
	kittest.NoError(t, l.SetTemplate(t.Context(), alert.Template{Messenger: "slack", Severity: "7", Text: "y"}))
	kittest.Error(t, l.SetTemplate(t.Context(), alert.Template{Messenger: "slack", Text: "x"}), fault.ErrInvalid, "delete some")
}
