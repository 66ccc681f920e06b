package ledger

import (
	"context"

	ent "github.com/bongsu-project/bongsu/gen/ent/ledger"
	enttemplate "github.com/bongsu-project/bongsu/gen/ent/ledger/template"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// Templates returns all templates.
func (s *Store) Templates(ctx context.Context) (all []alert.Template, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		rows, err := ent.NewClient(ent.Driver(t.Driver())).Template.Query().
			Order(enttemplate.ByMessenger(), enttemplate.BySeverity()).All(ctx)
		all = make([]alert.Template, len(rows))
		for i, row := range rows {
			all[i] = alert.Template{Messenger: row.Messenger, Severity: row.Severity, Text: row.Template}
		}
		return err
	})
	return all, err
}

// SetTemplate stores a template in place of the one for the same messenger and severity.
func (s *Store) SetTemplate(ctx context.Context, tmpl alert.Template) error {
	if !isStorable(tmpl.Messenger, tmpl.Severity, tmpl.Text) {
		return fault.Invalidf("template: a text contains NUL or is not UTF-8")
	}
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		name := templateName(tmpl.Messenger, tmpl.Severity)
		others, err := selectNumbers(ctx, t, `SELECT count(*) FROM templates WHERE name <> ?`, name)
		if err != nil {
			return err
		}
		if others[0] >= alert.MaxTemplates {
			return fault.WithReason(fault.Invalidf("template limit reached (%d), delete some", others[0]), "TEMPLATE_LIMIT_REACHED")
		}
		_, err = t.Exec(ctx, `INSERT INTO templates (name, messenger, severity, template) VALUES (?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET template = excluded.template`, name, tmpl.Messenger, tmpl.Severity, tmpl.Text)
		return err
	})
}

// DeleteTemplate deletes a template.
func (s *Store) DeleteTemplate(ctx context.Context, messenger, severity string) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		n, err := t.Exec(ctx, `DELETE FROM templates WHERE name = ?`, templateName(messenger, severity))
		if err == nil && n == 0 {
			return fault.WithResource(fault.NotFoundf("template of %s for severity %q not found", messenger, severity), "template", templateName(messenger, severity))
		}
		return err
	})
}

// templateName returns the primary key of a template.
func templateName(messenger, severity string) string { return messenger + "/" + severity }
