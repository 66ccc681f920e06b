package product

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
	f := open(t, filepath.Join(t.TempDir(), "product.db"))
	events := eventtest.Contract(t, &eventv1.Reserved{}, &eventv1.Started{}, &eventv1.Canceled{})
	kittest.Equal(t, len(events), len(subjects))
	c := Consumer{Store: f.Store, Now: func() time.Time { return start }}
	for _, e := range events {
		kittest.NoError(t, c.Handle(t.Context(), stream.Delivery{Event: e}))
	}
	f.Want(t, &eventv1.OutOfStock{ReservationId: events[0].Subject, Customer: "mina", ProductId: "01a22a73-c93a-79a3-9b60-44fd0396c5ad"})
}
