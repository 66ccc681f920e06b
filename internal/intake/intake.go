// Package intake reads the alerts of other systems: Alertmanager, Grafana,
// CloudEvents, and JSON of any form.
package intake

import (
	"fmt"
	"net/http"
)

const (
	// MaxAlerts is the number of alerts that one request may hold. Those beyond it are
	// truncated, and one more alert tells so.
	MaxAlerts = 20_000

	// The bounds of SendAlertRequest. Longer values are cut, so that a long alert
	// notifies rather than fails.
	maxMessage  = 20_000
	maxTitle    = 200
	maxSeverity = 30
	maxName     = 100
	maxValue    = 1000
	maxDetails  = 20
	maxLink     = 2000
	maxKey      = 200
	maxTargets  = 1000
)

// An Alert is one alert of another system, within the bounds of SendAlertRequest.
type Alert struct {
	Field     string   // where the request holds it, such as alerts[1]; empty where it is the whole
	Targets   []string // well-formed; empty where the default targets of the source are notified
	Malformed []string // its own targets that are malformed, cut
	Severity  string
	Message   string
	Title     string
	Link      string
	Details   []Detail
	// Key names what the alert is about: the source and its own name for it. Empty
	// where the alert stands alone.
	Key    string
	Status Status
	// IdempotencyKey is the same whenever the source sends the same alert again.
	IdempotencyKey string
	// Problems are the parts of the alert that could not be used. It notifies
	// nevertheless.
	Problems []Problem
}

// A Detail is one more fact.
type Detail struct{ Name, Value string }

// Status is whether the thing that an alert is about goes on.
type Status int

// The statuses of alerts.
const (
	Unknown Status = iota // the source did not tell
	Firing
	Resolved
)

// A Problem is why an alert, or a part of it, cannot be used.
type Problem struct {
	Field   string // such as alerts[1].labels
	Reason  Reason
	Message string // for people
}

// Error returns the problem as text.
func (p *Problem) Error() string {
	if p.Field == "" {
		return p.Message
	}
	return p.Field + ": " + p.Message
}

// A Reason is a kind of problem. There are few, so that they can label metrics.
type Reason string

// The reasons of problems.
const (
	UnknownSource   Reason = "unknown_source"
	UnreadableBody  Reason = "unreadable_body"
	NoAlerts        Reason = "no_alerts"
	UnreadableAlert Reason = "unreadable_alert"
	Truncated       Reason = "truncated"
	NoTarget        Reason = "no_target"
	MalformedTarget Reason = "malformed_target"
	TooManyTargets  Reason = "too_many_targets"
	TemplateFailed  Reason = "template_failed"
	MissingKeyField Reason = "missing_key_field"
)

// An Item is one alert of a request, or the problem for which it was refused.
type Item struct {
	Alert   Alert
	Problem *Problem
}

// A Source reads the requests of one system.
type Source struct {
	// Default holds the targets of alerts that name nobody themselves; empty for none.
	Default []string
	// Read returns the alerts of a request in their order. One that cannot be read is
	// refused alone. A request that cannot be read at all is the error.
	Read func(header http.Header, body []byte) ([]Item, *Problem)
}

// Sources returns the source of each path below /v1/intake/. A configuration that
// cannot work is an error.
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
		if name != "cloudevents" { // which have types of their own
			sources[name] = jsonOnly(name, sources[name])
		}
	}
	for name := range c {
		if _, ok := sources[name]; ok {
			continue
		}
		r, err := c.reader(name)
		if err != nil {
			return nil, err
		}
		if _, ok := r.script["message"]; !ok {
			return nil, fmt.Errorf("--intake-config: %s is a source of JSON, and needs a template for message", name)
		}
		sources[name] = jsonOnly(name, r.anything())
	}
	return sources, nil
}

// A reader reads the requests of one source.
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

// reads returns the source whose requests read reads.
func (r reader) reads(read func(header http.Header, body []byte) ([]Item, *Problem)) Source {
	return Source{Default: r.Target, Read: read}
}

// unreadable returns the problem of a request that cannot be read at all.
func unreadable(format string, args ...any) *Problem {
	return &Problem{Reason: UnreadableBody, Message: cut(line(fmt.Sprintf(format, args...)), maxValue)}
}
