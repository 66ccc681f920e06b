package inbox_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/inbox"
	"github.com/bongsu-project/bongsu/services/inbox/store"
)

// now is the time of the tests.
var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// openStore opens an empty store until the test ends.
func openStore(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "inbox.db"))
	kittest.NoError(t, err)
	t.Cleanup(func() { kittest.NoError(t, s.Close()) })
	return s
}

// handlers returns the handlers of a new service.
func handlers(t testing.TB) (*inbox.Handler, *inbox.DeliveryHandler) {
	s := openStore(t)
	clock := func() time.Time { return now }
	return &inbox.Handler{Store: s, Now: clock}, &inbox.DeliveryHandler{Items: s, Now: clock}
}

// storeDeliveries stores deliveries with ids from first to last to a user.
func storeDeliveries(t testing.TB, h *inbox.DeliveryHandler, nickname string, first, last int64) {
	t.Helper()
	req := &inboxv1.StoreRequest{}
	for id := first; id <= last; id++ {
		req.Deliveries = append(req.Deliveries, &inboxv1.InboxDelivery{DeliveryId: id, NickName: nickname, Item: &inboxv1.Item{
			AlertId: fmt.Sprint(100 + id), Severity: "high", Title: "Order", Text: "[high] shipped", Link: "https://shop.example/7",
			CreateTime: timestamppb.New(now.Add(-time.Second)), Key: "order", Resolved: true,
		}})
	}
	_, err := h.Store(t.Context(), req)
	kittest.NoError(t, err)
}

// failing is a service in another process that returns an error.
type failing struct{ err error }

func (f failing) Store(context.Context, *inboxv1.StoreRequest) (*inboxv1.StoreResponse, error) {
	return nil, f.err
}
