package alert

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/texttemplate"
)

// MaxTemplates is the maximum number of text templates.
const MaxTemplates = 1000

// templateMaxAge is how long templates are cached: other processes may change them too.
const templateMaxAge = 2 * time.Second

// A Template is the text template of a messenger, used in place of Alert.Text.
type Template struct {
	Messenger string
	Severity  string // empty for all severities without a template of their own
	Text      string // a Go template over TemplateData
}

// TemplateStore stores text templates.
type TemplateStore interface {
	// Templates returns all templates sorted by messenger and severity.
	Templates(ctx context.Context) ([]Template, error)
	// SetTemplate stores a template in place of the one for the same messenger and
	// severity. It must return fault.ErrInvalid if there are MaxTemplates others.
	SetTemplate(ctx context.Context, t Template) error
	// DeleteTemplate deletes a template. It must return fault.ErrNotFound if there is none
	// with exactly this messenger and severity.
	DeleteTemplate(ctx context.Context, messenger, severity string) error
}

// TemplateData is the data that a text template can use.
type TemplateData struct {
	Severity string
	Message  string
	Title    string
	Link     string
	Details  []job.Detail
	Text     string // "[severity] message"
	Key      string // empty for none
	Status   string // firing, acknowledged or resolved
}

// templateDataOf returns the template data of an alert.
func templateDataOf(a Alert) TemplateData {
	d := TemplateData{
		Severity: a.Severity, Message: a.Message, Title: a.Title, Link: a.Link, Details: a.Details, Text: a.Text(),
		Key: job.DisplayKey(a.AlertKey), Status: "firing",
	}
	switch {
	case a.Resolved:
		d.Status = "resolved"
	case a.Acknowledged:
		d.Status = "acknowledged"
	}
	return d
}

// A TextRenderer renders text templates. It is safe for concurrent use.
type TextRenderer struct {
	templates TemplateStore
	now       func() time.Time
	log       *slog.Logger

	mu     sync.Mutex
	parsed map[string]map[string]*texttemplate.Template // by messenger and severity
	read   time.Time                                    // when they were read; zero to read them again
}

// NewTextRenderer returns a text renderer.
func NewTextRenderer(templates TemplateStore, now func() time.Time, log *slog.Logger) *TextRenderer {
	return &TextRenderer{templates: templates, now: now, log: log}
}

// Render sets the texts of an alert for those of the messengers that have a template. If a
// template fails, the default text is used.
func (r *TextRenderer) Render(ctx context.Context, a *Alert, messengers []string) error {
	parsed, err := r.cachedTemplates(ctx)
	if err != nil || len(parsed) == 0 {
		return err
	}
	data := templateDataOf(*a)
	for _, m := range messengers {
		p, ok := parsed[m][a.Severity]
		if !ok {
			p, ok = parsed[m][""]
		}
		if _, done := a.Texts[m]; !ok || done {
			continue
		}
		text, err := p.Execute(data)
		if text = strings.TrimSpace(text); err != nil || text == "" || strings.Contains(text, "\x00") {
			r.log.Warn("text template failed; sending the default text", "messenger", m, "severity", a.Severity, "error", err)
			continue
		}
		if a.Texts == nil {
			a.Texts = map[string]string{}
		}
		a.Texts[m] = text
	}
	return nil
}

// cachedTemplates returns the parsed templates, cached for templateMaxAge.
func (r *TextRenderer) cachedTemplates(ctx context.Context) (map[string]map[string]*texttemplate.Template, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.read.IsZero() && r.now().Sub(r.read) < templateMaxAge {
		return r.parsed, nil
	}
	all, err := r.templates.Templates(ctx)
	if err != nil {
		return nil, err
	}
	parsed := map[string]map[string]*texttemplate.Template{}
	for _, t := range all {
		p, err := texttemplate.Parse(t.Text)
		if err != nil {
			r.log.Error("invalid text template", "messenger", t.Messenger, "severity", t.Severity, "error", err)
			continue
		}
		if parsed[t.Messenger] == nil {
			parsed[t.Messenger] = map[string]*texttemplate.Template{}
		}
		parsed[t.Messenger][t.Severity] = p
	}
	r.parsed, r.read = parsed, r.now()
	return parsed, nil
}

// invalidate makes the next call of Render read the templates again.
func (r *TextRenderer) invalidate() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read = time.Time{}
}

// exampleData returns the template data of a made-up alert, to try templates with.
func exampleData(severity string) TemplateData {
	a := Alert{Severity: severity, Message: "node1 down"}
	if severity == "" {
		a.Severity = "normal"
	}
	a.Title, a.Link, a.AlertKey = "NodeDown", "https://example.com/nodes/1", "node1"
	a.Details = []job.Detail{{Name: "host", Value: "node1"}, {Name: "job", Value: "node"}}
	return templateDataOf(a)
}

// messengersOfDeliveries returns the messengers of uncompleted deliveries, each once.
func messengersOfDeliveries(ds []Delivery) []string {
	var names []string
	for _, d := range ds {
		if d.EndTime.IsZero() && !slices.Contains(names, d.Messenger) {
			names = append(names, d.Messenger)
		}
	}
	return names
}
