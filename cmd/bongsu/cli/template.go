package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
)

// templateList is the command bongsu template list.
type templateList struct {
	client
}

// Help returns the long help.
func (templateList) Help() string {
	return "Examples:\n\n\tbongsu template list\n\tbongsu template list --json"
}

// Run executes bongsu template list.
func (c templateList) Run(ctx context.Context, con *console) error {
	res, err := c.messengers().ListTemplates(ctx, &messengerv1.ListTemplatesRequest{})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		if len(res.GetTemplates()) == 0 {
			p.say("no templates: the text is \"[severity] message\"")
			return
		}
		p.row("MESSENGER", "SEVERITY", "TEMPLATE")
		for _, t := range res.GetTemplates() {
			p.row(t.GetMessenger(), severityOf(t.GetSeverity()), strings.ReplaceAll(t.GetText(), "\n", "\\n"))
		}
	})
}

// severityOf returns the severity of a template as text.
func severityOf(severity string) string {
	if severity == "" {
		return "any other"
	}
	return severity
}

// A templateArg names a text template.
type templateArg struct {
	client
	Messenger string `arg:"" help:"The messenger, such as slack."`
	Severity  string `help:"Only for alerts with exactly this severity; by default for all without a template of their own."`
}

// templateSet is the command bongsu template set.
type templateSet struct {
	templateArg
	Text string `arg:"" optional:"" help:"The template; - or nothing reads standard input."`
	File string `placeholder:"PATH" help:"A file with the template."`
}

// Help returns the long help.
func (templateSet) Help() string {
	return `A template is Go's (pkg.go.dev/text/template) over .Severity, .Message, .Title, .Link, .Details (each with .Name and .Value), .Key, .Status (firing, acknowledged or resolved) and .Text, which is "[severity] message". It is validated with an example before it is stored.

Examples:

	bongsu template set slack '{{.Text}}{{range .Details}} {{.Name}}={{.Value}}{{end}}'
	bongsu template set twilio --severity=critical '{{.Title}}: {{.Message}}'
	bongsu template set email --file=mail.tmpl`
}

// Run executes bongsu template set.
func (c templateSet) Run(ctx context.Context, con *console) error {
	text, err := c.read(con.In)
	if err != nil {
		return err
	}
	res, err := c.messengers().SetTemplate(ctx, &messengerv1.SetTemplateRequest{
		Template: &messengerv1.Template{Messenger: c.Messenger, Severity: c.Severity, Text: text},
	})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("%s", res.GetExample()) })
}

// read returns the template.
func (c templateSet) read(stdin io.Reader) (string, error) {
	switch {
	case c.File != "" && c.Text != "":
		return "", usagef("set the template once: as an argument or by --file")
	case c.File != "":
		file, err := os.Open(c.File)
		if err != nil {
			return "", fmt.Errorf("read the template: %w", err)
		}
		defer func() { _ = file.Close() }()
		return readAll(file, "the template")
	case c.Text == "" || c.Text == "-":
		return readAll(stdin, "the template")
	}
	return c.Text, nil
}

// templateDelete is the command bongsu template delete.
type templateDelete struct {
	templateArg
}

// Help returns the long help.
func (templateDelete) Help() string {
	return "Examples:\n\n\tbongsu template delete slack\n\tbongsu template delete twilio --severity=critical"
}

// Run executes bongsu template delete.
func (c templateDelete) Run(ctx context.Context, con *console) error {
	res, err := c.messengers().DeleteTemplate(ctx, &messengerv1.DeleteTemplateRequest{Messenger: c.Messenger, Severity: c.Severity})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("deleted the template of %s for severity %s", c.Messenger, severityOf(c.Severity))
	})
}
