// Package stream publishes events from a transactional outbox, and consumes those of a stream.
//
// A service stores an event in the transaction of the change that it reports, so that both are
// committed or neither is, and the outbox publishes it after the commit. Consumers handle the events
// of a stream in order, and once by Processed. A relay publishes them to another stream.
package stream

import (
	"crypto/rand"
	"encoding/json"
	"regexp"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// Limits of an event.
const (
	MaxAttribute = 200     // characters of ID, Source, Type or Subject
	MaxData      = 1 << 18 // bytes of Data
)

// An Event is something that happened. Its attributes are those of CloudEvents 1.0
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md).
type Event struct {
	ID      string    // unique within the source; Add sets an empty one to a random one
	Source  string    // the system in which it happened, such as shop/orders
	Type    string    // what happened, as words with dots: order.created
	Subject string    // what it happened to, such as the id of an order; empty for none
	Time    time.Time // when it happened; Add sets a zero one to the current time
	Data    []byte    // JSON; empty for none
}

// typePattern matches types: each is a NATS subject without wildcards.
var typePattern = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// complete sets the attributes that may be unset.
func (e *Event) complete(now time.Time) {
	if e.ID == "" {
		e.ID = rand.Text()
	}
	if e.Time.IsZero() {
		e.Time = now
	}
	e.Time = e.Time.UTC()
}

// validate returns fault.ErrInvalid for an event that no stream would store.
func (e *Event) validate() error {
	for _, attribute := range []struct {
		name, value string
		optional    bool
	}{
		{name: "id", value: e.ID},
		{name: "source", value: e.Source},
		{name: "type", value: e.Type},
		{name: "subject", value: e.Subject, optional: true},
	} {
		if err := checkAttribute(attribute.name, attribute.value, attribute.optional); err != nil {
			return err
		}
	}
	switch {
	case !typePattern.MatchString(e.Type):
		return invalid("type", "must be words of A-Z, a-z, 0-9, _ and -, separated by dots")
	case e.Time.Year() < 1 || e.Time.Year() > 9999:
		return invalid("time", "must be between the years 1 and 9999")
	case len(e.Data) > MaxData:
		return invalid("data", "must have at most 262144 bytes")
	case len(e.Data) > 0 && (!json.Valid(e.Data) || !utf8.Valid(e.Data)):
		return invalid("data", "must be JSON in UTF-8")
	}
	return nil
}

func checkAttribute(name, value string, optional bool) error {
	switch {
	case value == "" && !optional:
		return invalid(name, "must not be empty")
	case !utf8.ValidString(value):
		return invalid(name, "must be UTF-8")
	case utf8.RuneCountInString(value) > MaxAttribute:
		return invalid(name, "must have at most 200 characters")
	}
	for _, r := range value {
		if unicode.IsControl(r) {
			return invalid(name, "must not contain control characters")
		}
	}
	return nil
}

func invalid(field, problem string) error { return fault.InvalidField(field, "%s", problem) }

// sequence returns the key of the events that are published one after the other: those of a
// source and subject. An event without a subject has a key of its own.
func (e *Event) sequence() string {
	if e.Subject == "" {
		return e.Source + "\n\n" + e.ID
	}
	return e.Source + "\n" + e.Subject
}
