package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/internal/cloudevents"
	"github.com/bongsu-project/bongsu/internal/wiretext"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// namedRefusals is the number of refusals that an error lists.
const namedRefusals = 5

// PublishBody stores the events of a body. It returns an error if none was stored.
func (h *PublishHandler) PublishBody(ctx context.Context, req *eventv1.PublishBodyRequest) (*eventv1.PublishBodyResponse, error) {
	header := http.Header{}
	if call, ok := connect.CallInfoForHandlerContext(ctx); ok {
		header = call.RequestHeader().Clone()
	}
	header.Set("Content-Type", req.GetBody().GetContentType())
	candidates, err := parseBody(header, req.GetBody().GetData(), h.Now())
	if err != nil {
		return nil, err
	}
	results, err := h.publish(ctx, candidates)
	if err != nil {
		return nil, err
	}
	if err := errNoneStored(results); err != nil {
		return nil, err
	}
	return &eventv1.PublishBodyResponse{Results: results}, nil
}

// errNoneStored returns an error if all events were refused, and otherwise nil.
func errNoneStored(results []*eventv1.PublishResult) error {
	var named []string
	var fields []fault.Field
	for _, r := range results {
		if r.GetOutcome() != eventv1.PublishOutcome_PUBLISH_OUTCOME_REFUSED {
			return nil
		}
		if len(named) == namedRefusals {
			continue
		}
		named = append(named, (&problem{r.GetField(), r.GetMessage()}).Error())
		if r.GetField() != "" {
			fields = append(fields, fault.Field{Path: r.GetField(), Problem: r.GetMessage()})
		}
	}
	if more := len(results) - len(named); more > 0 {
		named = append(named, fmt.Sprintf("and %d more", more))
	}
	return fault.WithReason(fault.WithFields(fault.Invalidf("no event stored: %s", strings.Join(named, "; ")), fields), "NO_EVENT_STORED")
}

// parseBody returns the events of a body, of which there is at least one. An event that cannot
// be read is a candidate with a problem. It returns fault.ErrInvalid if the whole body cannot
// be read.
func parseBody(header http.Header, body []byte, now time.Time) ([]candidate, error) {
	contentType := header.Get("Content-Type")
	mediaType := cloudevents.MediaType(contentType)
	switch {
	case mediaType == cloudevents.BatchType:
		text, err := wiretext.ToUTF8(contentType, body)
		if err != nil {
			return nil, fault.Invalidf("%w", err)
		}
		var raws []json.RawMessage
		if err := json.Unmarshal(text, &raws); err != nil {
			return nil, fault.Invalidf("invalid batch of CloudEvents: %s", reasonOf(wiretext.ErrorText(err)))
		}
		return candidatesOf(raws, now)
	case strings.HasPrefix(mediaType, cloudevents.Type), header.Get("Ce-Specversion") != "":
		e, problem := parseMessage(header, body, now)
		return []candidate{{event: e, problem: problem}}, nil
	case !cloudevents.IsJSON(mediaType):
		return nil, fault.Invalidf("unsupported Content-Type %.100q: send the body as application/json or as a CloudEvent", mediaType)
	}
	text, err := wiretext.ToUTF8(contentType, body)
	if err != nil {
		return nil, fault.Invalidf("%w", err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fault.Invalidf("the body is not a JSON object: %s", reasonOf(wiretext.ErrorText(err)))
	}
	raw, ok := fields["events"]
	if !ok {
		return []candidate{parseCandidate("", text, now)}, nil
	}
	for name := range fields {
		if name != "events" {
			return nil, fault.InvalidField(reasonOf(name), "unknown field beside events")
		}
	}
	var raws []json.RawMessage
	if err := json.Unmarshal(raw, &raws); err != nil {
		return nil, fault.InvalidField("events", "not an array: %s", reasonOf(wiretext.ErrorText(err)))
	}
	return candidatesOf(raws, now)
}

func candidatesOf(raws []json.RawMessage, now time.Time) ([]candidate, error) {
	if len(raws) == 0 || len(raws) > maxPublish {
		return nil, fault.InvalidField("events", "must have 1 to %d events", maxPublish)
	}
	all := make([]candidate, len(raws))
	for i, raw := range raws {
		all[i] = parseCandidate(fmt.Sprintf("events[%d]", i), raw, now)
	}
	return all, nil
}

// parseCandidate parses an event in JSON: a CloudEvent if it has a specversion, otherwise an
// event in the fields of Event, with data as JSON.
func parseCandidate(path string, raw []byte, now time.Time) candidate {
	c := candidate{path: path}
	var version struct {
		Version any `json:"specversion"`
		ID      any `json:"id"`
	}
	if err := json.Unmarshal(raw, &version); err != nil {
		c.problem = &problem{"", reasonOf("not an event: " + wiretext.ErrorText(err))}
		return c
	}
	var e Event
	if version.Version != nil {
		e, c.problem = parseMessage(http.Header{}, raw, now)
	} else {
		e, c.problem = parseFields(raw, now)
	}
	if c.problem != nil {
		if id, ok := version.ID.(string); ok {
			e.ID = reasonOf(id)
		}
	}
	c.event = e
	return c
}

// eventFieldNames are the fields of Event. A misspelt field is an error.
var eventFieldNames = map[string]bool{"id": true, "source": true, "type": true, "subject": true, "time": true, "data": true}

// parseFields parses an event in the fields of Event.
func parseFields(raw []byte, now time.Time) (Event, *problem) {
	var fields struct {
		ID      string          `json:"id"`
		Source  string          `json:"source"`
		Type    string          `json:"type"`
		Subject string          `json:"subject"`
		Time    string          `json:"time"`
		Data    json.RawMessage `json:"data"`
	}
	var names map[string]json.RawMessage
	if err := json.Unmarshal(raw, &names); err != nil {
		return Event{}, &problem{"", reasonOf(wiretext.ErrorText(err))}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !eventFieldNames[name] {
			return Event{}, &problem{reasonOf(name), "unknown field"}
		}
	}
	if err := json.Unmarshal(raw, &fields); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return Event{}, &problem{wrong.Field, "must be a string, not " + wrong.Value}
		}
		return Event{}, &problem{"", reasonOf(wiretext.ErrorText(err))}
	}
	wire := &eventv1.Event{Id: fields.ID, Source: fields.Source, Type: fields.Type, Subject: fields.Subject}
	if data := string(fields.Data); data != "null" {
		wire.Data = data
	}
	if fields.Time != "" {
		at, err := time.Parse(time.RFC3339Nano, fields.Time)
		if err != nil {
			return Event{}, &problem{"time", "must be in the form of RFC 3339: 2006-01-02T15:04:05Z"}
		}
		wire.Time = timestamppb.New(at)
	}
	return fromWire(wire, now)
}
