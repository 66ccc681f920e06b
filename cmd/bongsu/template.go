package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
)

// templateList is bongsu template list.
type templateList struct {
	client
}

// Help is the long help.
func (templateList) Help() string {
	return "Examples:\n\n\tbongsu template list\n\tbongsu template list --json"
}

// Run is bongsu template list.
func (c templateList) Run(ctx context.Context, con *console) error {
	res, err := c.messengers().ListTemplates(ctx, &messengerv1.ListTemplatesRequest{})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		if len(res.GetTemplates()) == 0 {
			p.say("no templates: texts are \"[severity] message\"")
			return
		}
		p.row("MESSENGER", "SEVERITY", "TEMPLATE")
		for _, t := range res.GetTemplates() {
			p.row(t.GetMessenger(), severityOf(t.GetSeverity()), strings.ReplaceAll(t.GetText(), "\n", "\\n"))
		}
	})
}

// severityOf names the severity of a template.
func severityOf(severity string) string {
	if severity == "" {
		return "any other"
	}
	return severity
}

// A templateArg names a template.
type templateArg struct {
	client
	Messenger string `arg:"" help:"The messenger, such as slack."`
	Severity  string `help:"Only for alerts of this severity, to the letter; all that have no template of their own unless said."`
}

// templateSet is bongsu template set.
type templateSet struct {
	templateArg
	Text string `arg:"" optional:"" help:"The template; - or nothing reads it from standard input."`
	File string `placeholder:"PATH" help:"A file that holds the template."`
}

// Help is the long help.
func (templateSet) Help() string {
	return `A template is Go's (pkg.go.dev/text/template) over .Severity, .Message, .Title, .Link, .Details (each with .Name and .Value), .Key, .Status (firing or resolved) and .Text, which is "[severity] message". It is checked and tried before it is kept.

Examples:

	bongsu template set slack '{{.Text}}{{range .Details}} {{.Name}}={{.Value}}{{end}}'
	bongsu template set twilio --severity=critical '{{.Title}}: {{.Message}}'
	bongsu template set email --file=mail.tmpl`
}

// Run is bongsu template set.
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

// read gives the template.
func (c templateSet) read(stdin io.Reader) (string, error) {
	switch {
	case c.File != "" && c.Text != "":
		return "", usagef("say the template once: as an argument or by --file")
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

// templateDelete is bongsu template delete.
type templateDelete struct {
	templateArg
}

// Help is the long help.
func (templateDelete) Help() string {
	return "Examples:\n\n\tbongsu template delete slack\n\tbongsu template delete twilio --severity=critical"
}

// Run is bongsu template delete.
func (c templateDelete) Run(ctx context.Context, con *console) error {
	res, err := c.messengers().DeleteTemplate(ctx, &messengerv1.DeleteTemplateRequest{Messenger: c.Messenger, Severity: c.Severity})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("%s has no template for severity %s any more", c.Messenger, severityOf(c.Severity))
	})
}
