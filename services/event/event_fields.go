package event

import (
	"errors"
	"time"

	"github.com/bongsu-project/bongsu/internal/wiretext"
)

// An eventFields is an event as conditions and templates see it. It must not change.
type eventFields struct {
	event Event
	data  any // decoded JSON; an empty object for none
}

// fieldsOf decodes the data of an event.
func fieldsOf(e Event) (eventFields, error) {
	if len(e.Data) == 0 {
		return eventFields{e, map[string]any{}}, nil
	}
	data, err := wiretext.DecodeValue(e.Data)
	if err != nil {
		return eventFields{}, errors.New("data is not JSON: " + wiretext.ErrorText(err))
	}
	return eventFields{e, data}, nil
}

// forTemplates returns the fields as templates see them.
func (f eventFields) forTemplates() map[string]any {
	at := ""
	if !f.event.Time.IsZero() {
		at = f.event.Time.UTC().Format(time.RFC3339Nano)
	}
	return map[string]any{
		"id": f.event.ID, "source": f.event.Source, "type": f.event.Type, "subject": f.event.Subject, "time": at, "data": f.data,
	}
}
