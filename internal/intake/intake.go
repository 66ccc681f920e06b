// Package intake reads what other systems say when something breaks, and makes
// alerts of it: Alertmanager, Grafana, CloudEvents, and JSON of any form.
package intake

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/bongsu-project/bongsu/internal/fault"
)

const (
	// maxAlerts is how many alerts one request may bring.
	maxAlerts = 1000
	// maxMessage, maxTitle, maxSeverity, maxValue and maxDetails are what an alert
	// takes: what is longer is cut, so that a long alert tells rather than fails.
	maxMessage  = 20_000
	maxTitle    = 200
	maxSeverity = 30
	maxName     = 100
	maxValue    = 1000
	maxDetails  = 20
	maxLink     = 2000
	maxTargets  = 1000
)

// An Alert is what another system says broke, as SendAlert takes it.
type Alert struct {
	Targets  []string
	Severity string
	Message  string
	Title    string
	Link     string
	Details  []Detail
	// Key is the same whenever the other system says the same again.
	Key string
}

// A Detail is one more fact.
type Detail struct{ Name, Value string }

// A Source reads the requests of one system. What cannot be read is fault.ErrInvalid,
// and nothing of the request is used then.
type Source func(header http.Header, body []byte) ([]Alert, error)

// Sources gives the source of each path below /v1/intake/. A configuration that cannot
// work is an error.
func (c Config) Sources() (map[string]Source, error) {
	sources := map[string]Source{}
	for name, of := range map[string]func(reader) Source{
		"alertmanager": reader.alertmanager,
		"grafana":      reader.grafana,
		"cloudevents":  reader.cloudevents,
	} {
		r, err := c.reader(name)
		if err != nil {
			return nil, err
		}
		sources[name] = of(r)
		if name != "cloudevents" { // its library reads the type
			sources[name] = jsonOnly(name, sources[name])
		}
	}
	for name := range c {
		if _, is := sources[name]; is {
			continue
		}
		r, err := c.reader(name)
		if err != nil {
			return nil, err
		}
		if _, is := r.script["message"]; !is {
			return nil, fmt.Errorf("--intake-config: %s is a source of JSON, and needs a template for message", name)
		}
		sources[name] = jsonOnly(name, r.anything())
	}
	return sources, nil
}

// A reader reads what one source says.
type reader struct {
	SourceConfig
	source string
	script script
}

func (c Config) reader(source string) (reader, error) {
	of := c.of(source)
	script, err := of.Template.read(source)
	return reader{SourceConfig: of, source: source, script: script}, err
}

// settle gives what an alert is sent as: as templates over data would have it, with
// targets, cut to what SendAlert takes, and under a key that names the source.
func (r reader) settle(a Alert, data any) (Alert, error) {
	a, err := r.script.apply(a, data)
	if err != nil {
		return Alert{}, err
	}
	if len(a.Targets) == 0 {
		a.Targets = r.Target
	}
	if len(a.Targets) == 0 {
		return Alert{}, fmt.Errorf("nobody is to be told: set the label or attribute %q to targets such as @@ops, or target of %s in --intake-config: %w",
			r.TargetLabel, r.source, fault.ErrInvalid)
	}
	if len(a.Targets) > maxTargets {
		return Alert{}, fmt.Errorf("there are %d targets: at most %d: %w", len(a.Targets), maxTargets, fault.ErrInvalid)
	}
	a.Message, a.Title = cut(trim(a.Message), maxMessage), cut(line(a.Title), maxTitle)
	if a.Message == "" {
		a.Message = a.Title
	}
	if a.Message == "" {
		return Alert{}, fmt.Errorf("the alert says nothing: it has neither a message nor a title: %w", fault.ErrInvalid)
	}
	a.Severity = cut(line(first(a.Severity, r.Severity)), maxSeverity)
	if len(a.Link) > maxLink || !strings.HasPrefix(a.Link, "http://") && !strings.HasPrefix(a.Link, "https://") {
		a.Link = ""
	}
	a.Details = a.Details[:min(len(a.Details), maxDetails)]
	for i, d := range a.Details {
		a.Details[i] = Detail{cut(line(d.Name), maxName), cut(line(d.Value), maxValue)}
	}
	if a.Key != "" {
		a.Key = key(r.source, a.Key)
	}
	return a, nil
}

// targets reads targets from a label: they stand between commas, since names may hold
// spaces.
func targets(label string) []string {
	var all []string
	for word := range strings.SplitSeq(label, ",") {
		if word = strings.TrimSpace(word); word != "" {
			all = append(all, word)
		}
	}
	return all
}
