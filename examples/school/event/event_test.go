package event

import (
	"context"
	"errors"
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// A recorder is a publisher that refuses events of a type.
type recorder struct {
	types   []string
	refused string
}

var errRefused = errors.New("refused")

func (r *recorder) Publish(_ context.Context, events []stream.Event) ([]error, error) {
	results := make([]error, len(events))
	for i, e := range events {
		r.types = append(r.types, e.Type)
		if e.Type == r.refused {
			results[i] = errRefused
		}
	}
	return results, nil
}

// TestCredentials keeps the links and codes of messages out of the stream.
func TestCredentials(t *testing.T) {
	var events []stream.Event
	for _, kind := range []string{"school.outing.decision_requested", "school.outing.requested", "school.auth.password_reset_requested", "school.outing.approved"} {
		events = append(events, stream.Event{Type: kind})
	}
	own, bongsu := &recorder{refused: "school.outing.approved"}, &recorder{}
	results, err := publisher{own, bongsu}.Publish(t.Context(), events)
	kittest.NoError(t, err)
	kittest.Equal(t, own.types, []string{"school.outing.requested", "school.outing.approved"})
	kittest.Equal(t, bongsu.types, []string{"school.outing.decision_requested", "school.auth.password_reset_requested"})
	kittest.Equal(t, results, []error{nil, nil, nil, errRefused})
	results, err = publisher{own, bongsu}.Publish(t.Context(), events[:1])
	kittest.NoError(t, err)
	kittest.Equal(t, results, []error{nil})
	kittest.Equal(t, len(own.types), 2)
}
