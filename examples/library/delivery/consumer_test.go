package delivery

import (
	"path/filepath"
	"testing"
	"time"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/library/event/v1"

	"github.com/bongsu-project/bongsu/examples/library/event/eventtest"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// TestContract checks that the consumer handles the events that it expects of the other services,
// and that these make them so.
func TestContract(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "delivery.db"))
	events := eventtest.Contract(t, &eventv1.Held{}, &eventv1.CancellationRefused{}, &eventv1.Canceled{})
	kittest.Equal(t, len(events), len(subjects))
	c := Consumer{Store: f.Store, Now: func() time.Time { return start }}
	for _, e := range events {
		kittest.NoError(t, c.Handle(t.Context(), stream.Delivery{Event: e}))
	}
	d, err := f.Cancel(t.Context(), events[0].Subject, "other", start)
	kittest.NoError(t, err)
	kittest.Equal(t, [3]any{d.State, d.Title, d.Customer}, [3]any{Canceled, "구운몽", "mina"})
}
