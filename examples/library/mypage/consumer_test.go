package mypage

import (
	"testing"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/library/event/v1"
	mypagev1 "github.com/bongsu-project/bongsu/gen/go/library/mypage/v1"

	"github.com/bongsu-project/bongsu/examples/library/event/eventtest"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// TestContract checks that the consumer handles the events that it expects of the other services,
// and that these make them so.
func TestContract(t *testing.T) {
	_, js := startNATS(t)
	view, err := OpenView(t.Context(), js, 1)
	kittest.NoError(t, err)
	for _, e := range eventtest.Contract(t, &eventv1.Reserved{}, &eventv1.OutOfStock{}, &eventv1.Held{}, &eventv1.Started{}, &eventv1.Delivered{}, &eventv1.Canceled{}) {
		kittest.NoError(t, Consumer{view}.Handle(t.Context(), stream.Delivery{Event: e}))
	}
	all, err := view.List(t.Context(), "mina")
	kittest.NoError(t, err)
	if len(all) != 1 || len(all[0].GetChanges()) != 6 || all[0].GetState() != mypagev1.EntryState_ENTRY_STATE_CANCELED {
		t.Errorf("entries %v", all)
	}
}
