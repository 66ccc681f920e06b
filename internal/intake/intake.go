// Package intake parses the alerts of other systems: Alertmanager, Grafana, CloudEvents,
// and JSON of any form.
package intake

import (
	"fmt"
	"net/http"
)

const (
	// MaxAlerts is the maximum number of alerts of a request. Further ones are truncated,
	// and one more alert reports their number.
	MaxAlerts = 20_000

	// The limits of SendAlertRequest. Longer values are cut, so that a long alert is sent
	// rather than refused.
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

// An Alert is one alert of another system, within the limits of SendAlertRequest.
type Alert struct {
	Field     string   // its path in the request, such as alerts[1]; empty if it is the whole body
	Targets   []string // well-formed; empty if the default targets of the source are notified
	Malformed []string // its malformed targets, cut
	Severity  string
	Message   string
	Title     string
	Link      string
	Details   []Detail
	// Key is the alert key, scoped by the source. Empty for an alert that is not ordered or
	// resolved with others.
	Key    string
	Status Status
	// IdempotencyKey is the same for each repetition of the alert by the source.
	IdempotencyKey string
	// Problems are the unusable parts of the alert. It is recorded nevertheless.
	Problems []Problem
}

// A Detail is one more fact of an alert.
type Detail struct{ Name, Value string }

// Status is the status of an alert key: whether its thing goes on.
type Status int

// The statuses of alerts.
const (
	Unknown Status = iota // not set by the source
	Firing
	Resolved
)

// A Problem is the reason why an alert, or a part of it, cannot be used.
type Problem struct {
	Field   string // such as alerts[1].labels
	Reason  Reason
	Message string // readable text
}

// Error returns the message with the field.
func (p *Problem) Error() string {
	if p.Field == "" {
		return p.Message
	}
	return p.Field + ": " + p.Message
}

// A Reason is a kind of problem. The set is small, so that it can label metrics.
type Reason string

// The reasons of problems.
const (
	UnknownSource   Reason = "unknown_source"
	BadSignature    Reason = "bad_signature"
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

// An Item is one alert of a request, or the problem for which it is refused.
type Item struct {
	Alert   Alert
	Problem *Problem
}

// A Source parses the requests of one system.
type Source struct {
	// Default holds the default targets, of alerts without targets; empty for none.
	Default []string
	// Signature verifies requests without another credential; nil if they are not signed.
	Signature *Signature
	// Read returns the alerts of a request in their order. An alert that cannot be parsed is
	// refused alone. It returns a problem if the whole request cannot be parsed.
	Read func(header http.Header, body []byte) ([]Item, *Problem)
}

// Sources returns the source of each path below /v1/intake/. It returns an error for an
// invalid configuration.
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
		if name != "cloudevents" { // has media types of its own
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
			return nil, fmt.Errorf("--intake-config: source %s needs a template for message", name)
		}
		sources[name] = jsonOnly(name, r.jsonSource())
	}
	return sources, nil
}

// A reader parses the requests of one source.
type reader struct {
	SourceConfig
	source    string
	script    parsedTemplates
	signature *Signature
}

func (c Config) reader(source string) (reader, error) {
	of := c.sourceConfig(source)
	script, err := of.Template.parse(source)
	if err != nil {
		return reader{}, err
	}
	signature, err := of.Signature.parse(source)
	return reader{SourceConfig: of, source: source, script: script, signature: signature}, err
}

// sourceOf returns a source that parses requests by read.
func (r reader) sourceOf(read func(header http.Header, body []byte) ([]Item, *Problem)) Source {
	return Source{Default: r.Target, Signature: r.signature, Read: read}
}

// unreadableBody returns the problem of a request that cannot be parsed.
func unreadableBody(format string, args ...any) *Problem {
	return &Problem{Reason: UnreadableBody, Message: truncate(singleLine(fmt.Sprintf(format, args...)), maxValue)}
}
