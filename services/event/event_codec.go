package event

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/internal/cloudevents"
	"github.com/bongsu-project/bongsu/internal/wiretext"
)

// maxReason limits the text of a refusal or a dead letter, in bytes.
const maxReason = 500

// A problem is why an event cannot be used.
type problem struct{ field, message string }

// Error returns the message with the field.
func (p *problem) Error() string {
	if p.field == "" {
		return p.message
	}
	return p.field + ": " + p.message
}

// reasonOf returns text on one line, cut to maxReason.
func reasonOf(text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")))
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason-len("…")], "") + "…"
	}
	return text
}

// fromWire returns an event, or the first field that is invalid. Its time is now if it has
// none, or the zero time.
func fromWire(wire *eventv1.Event, now time.Time) (Event, *problem) {
	if wire == nil {
		wire = &eventv1.Event{}
	}
	if err := protovalidate.Validate(wire, protovalidate.WithFailFast()); err != nil {
		if invalid, ok := errors.AsType[*protovalidate.ValidationError](err); ok && len(invalid.Violations) > 0 {
			v := invalid.Violations[0]
			return Event{}, &problem{protovalidate.FieldPathString(v.Proto.GetField()), v.Proto.GetMessage()}
		}
		return Event{}, &problem{"", reasonOf(err.Error())}
	}
	e := Event{ID: wire.GetId(), Source: wire.GetSource(), Type: wire.GetType(), Subject: wire.GetSubject(), Time: now}
	if wire.GetTime() != nil {
		if err := wire.GetTime().CheckValid(); err != nil {
			return Event{}, &problem{"time", "invalid time: " + reasonOf(err.Error())}
		}
		if at := wire.GetTime().AsTime(); !at.IsZero() { // the zero time cannot be stored
			e.Time = at
		}
	}
	if wire.GetData() != "" {
		e.Data = []byte(wire.GetData())
		if !json.Valid(e.Data) {
			return Event{}, &problem{"data", "data is not JSON"}
		}
	}
	return e, nil
}

// toWire returns an event as it is in responses.
func toWire(e Event) *eventv1.Event {
	wire := &eventv1.Event{Id: e.ID, Source: e.Source, Type: e.Type, Subject: e.Subject, Data: string(e.Data)}
	if !e.Time.IsZero() {
		wire.Time = timestamppb.New(e.Time)
	}
	return wire
}

// fromCloudEvent returns an event, or the first attribute that is invalid.
func fromCloudEvent(from cloudevents.Event, now time.Time) (Event, *problem) {
	if from.Unreadable != "" {
		return Event{}, &problem{"data", reasonOf(from.Unreadable)}
	}
	at, err := from.Time()
	if err != nil {
		return Event{}, &problem{"time", err.Error()}
	}
	wire := &eventv1.Event{
		Id: from.Attribute("id"), Source: from.Attribute("source"), Type: from.Attribute("type"), Subject: from.Attribute("subject"),
		Data: string(from.JSON),
	}
	if !at.IsZero() {
		wire.Time = timestamppb.New(at)
	}
	return fromWire(wire, now)
}

// parseMessage returns the event of a message, or why it cannot be read. Its time is now if it
// has none.
func parseMessage(header http.Header, data []byte, now time.Time) (Event, *problem) {
	parsed, err := cloudevents.ParseMessage(header, data)
	if err != nil {
		return Event{}, &problem{"", reasonOf("not a CloudEvent: " + wiretext.ErrorText(err))}
	}
	return fromCloudEvent(parsed, now)
}

// structured returns an event as a CloudEvent in JSON.
func (e Event) structured() ([]byte, error) {
	return cloudevents.Structured(cloudevents.Attributes{ID: e.ID, Source: e.Source, Type: e.Type, Subject: e.Subject, Time: e.Time}, e.Data)
}

// lane returns the name of what the event happened to: events with the same one are handled
// in order. An event without a subject is alone.
func (e Event) lane() string {
	if e.Subject == "" {
		return e.Source + "\x00\x00" + e.ID
	}
	return e.Source + "\x00" + e.Subject
}

// order returns the order key of the event: a hash of its lane.
func (e Event) order() uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(e.lane())) // never fails
	return h.Sum64()
}

// key returns a name of the event that no other event has, of 64 hexadecimal digits.
func (e Event) key() string { return hashOf(e.Source, e.ID) }

// alertKey returns the idempotency key of an alert: it is the same whenever the event is
// handled, and whatever the rule says by then.
func alertKey(e Event, a PlannedAlert) string {
	return hashOf(a.Rule, e.Source, e.ID, strconv.Itoa(a.Index))
}

// letterKey returns the key of the dead letter of a rule for an event.
func letterKey(e Event, rule string) string { return hashOf("dead letter", rule, e.Source, e.ID) }

// hashOf returns a hash of parts, none of which has control characters.
func hashOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:])
}
