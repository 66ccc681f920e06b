package alert

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/phrase"
)

// MaxTemplates is how many templates there may be.
const MaxTemplates = 1000

// templateLife is how long templates are used before they are read again: others may
// set them, too.
const templateLife = 2 * time.Second

// A Template makes the text of a messenger's messages, in place of Alert.Text.
type Template struct {
	Messenger string
	Severity  string // empty for all that have none of their own
	Text      string // as internal/phrase reads it, over Words
}

// Templates keeps templates.
type Templates interface {
	// Templates answers with all templates by messenger and severity.
	Templates(ctx context.Context) ([]Template, error)
	// SetTemplate keeps a template in place of the one for the same messenger and
	// severity. It must return fault.ErrInvalid where there are MaxTemplates others.
	SetTemplate(ctx context.Context, t Template) error
	// DeleteTemplate must return fault.ErrNotFound where there is none for the
	// messenger and severity, to the letter.
	DeleteTemplate(ctx context.Context, messenger, severity string) error
}

// Words are what a template can speak of.
type Words struct {
	Severity string
	Message  string
	Title    string
	Link     string
	Details  []job.Detail
	Text     string // "[severity] message"
	Key      string // empty for none
	Status   string // firing, resolved
}

// wordsOf returns what a template can speak of for an alert.
func wordsOf(a Alert) Words {
	w := Words{
		Severity: a.Severity, Message: a.Message, Title: a.Title, Link: a.Link, Details: a.Details, Text: a.Text(),
		Key: job.ShownKey(a.AlertKey), Status: "firing",
	}
	if a.Resolved {
		w.Status = "resolved"
	}
	return w
}

// A Writer makes texts by templates. It is safe for concurrent use.
type Writer struct {
	templates Templates
	now       func() time.Time
	log       *slog.Logger

	mu      sync.Mutex
	phrases map[string]map[string]*phrase.Phrase // by messenger and severity
	read    time.Time                            // when they were read
}

// NewWriter gives a writer.
func NewWriter(templates Templates, now func() time.Time, log *slog.Logger) *Writer {
	return &Writer{templates: templates, now: now, log: log}
}

// Write sets the texts of an alert for those of the messengers that have a template.
// A template that fails leaves the usual text.
func (w *Writer) Write(ctx context.Context, a *Alert, messengers []string) error {
	phrases, err := w.current(ctx)
	if err != nil || len(phrases) == 0 {
		return err
	}
	words := wordsOf(*a)
	for _, m := range messengers {
		p, is := phrases[m][a.Severity]
		if !is {
			p, is = phrases[m][""]
		}
		if _, done := a.Texts[m]; !is || done {
			continue
		}
		text, err := p.Say(words)
		if text = strings.TrimSpace(text); err != nil || text == "" || strings.Contains(text, "\x00") {
			w.log.Warn("a template made no text; the usual one is sent", "messenger", m, "severity", a.Severity, "error", err)
			continue
		}
		if a.Texts == nil {
			a.Texts = map[string]string{}
		}
		a.Texts[m] = text
	}
	return nil
}

// current gives the templates, read not long ago.
func (w *Writer) current(ctx context.Context) (map[string]map[string]*phrase.Phrase, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.read.IsZero() && w.now().Sub(w.read) < templateLife {
		return w.phrases, nil
	}
	all, err := w.templates.Templates(ctx)
	if err != nil {
		return nil, err
	}
	phrases := map[string]map[string]*phrase.Phrase{}
	for _, t := range all {
		p, err := phrase.Parse(t.Text)
		if err != nil {
			w.log.Error("a template cannot be read", "messenger", t.Messenger, "severity", t.Severity, "error", err)
			continue
		}
		if phrases[t.Messenger] == nil {
			phrases[t.Messenger] = map[string]*phrase.Phrase{}
		}
		phrases[t.Messenger][t.Severity] = p
	}
	w.phrases, w.read = phrases, w.now()
	return phrases, nil
}

// forget makes the next text be written by templates that are read anew.
func (w *Writer) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.read = time.Time{}
}

// example is an alert that is made up, to try templates on.
func example(severity string) Words {
	a := Alert{Severity: severity, Message: "node1 down"}
	if severity == "" {
		a.Severity = "normal"
	}
	a.Title, a.Link, a.AlertKey = "NodeDown", "https://example.com/nodes/1", "node1"
	a.Details = []job.Detail{{Name: "host", Value: "node1"}, {Name: "job", Value: "node"}}
	return wordsOf(a)
}

// messengersOf gives the messengers of what is to be sent, each once.
func messengersOf(ds []Delivery) []string {
	var names []string
	for _, d := range ds {
		if d.EndTime.IsZero() && !slices.Contains(names, d.Messenger) {
			names = append(names, d.Messenger)
		}
	}
	return names
}
