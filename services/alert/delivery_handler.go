package alert

import (
	"cmp"
	"context"
	"strconv"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// defaultDeliveriesPage is the default page size of ListDeliveries.
	defaultDeliveriesPage = 100
	// maxDeliveriesPage is the maximum page size, also of the deliveries that GetAlert
	// returns.
	maxDeliveriesPage = 1000
)

// ListDeliveries returns a page of the deliveries of an alert.
func (h *Handler) ListDeliveries(ctx context.Context, req *alertv1.ListDeliveriesRequest) (*alertv1.ListDeliveriesResponse, error) {
	q, err := deliveryQueryFromWire(req)
	if err != nil {
		return nil, err
	}
	ds, next, err := h.deliveryPage(ctx, q)
	if err != nil {
		return nil, err
	}
	return &alertv1.ListDeliveriesResponse{Deliveries: deliveriesToWire(ds), NextPageToken: next}, nil
}

// deliveryPage returns a page of deliveries, and the token of the next page.
func (h *Handler) deliveryPage(ctx context.Context, q DeliveryQuery) (ds []Delivery, next string, err error) {
	ds, more, err := deliveriesPage(ctx, h.Store, q)
	if err != nil {
		return nil, "", err
	}
	if more {
		next = strconv.FormatInt(ds[len(ds)-1].ID, 10)
	}
	return ds, next, nil
}

func deliveryQueryFromWire(req *alertv1.ListDeliveriesRequest) (DeliveryQuery, error) {
	id, err := readAlertID(req.GetAlertId())
	if err != nil {
		return DeliveryQuery{}, err
	}
	after, err := readPageToken(req.GetPageToken())
	if err != nil {
		return DeliveryQuery{}, err
	}
	return DeliveryQuery{
		AlertID:   id,
		After:     after,
		Limit:     cmp.Or(int(req.GetPageSize()), defaultDeliveriesPage),
		State:     State(req.GetState()),
		Nickname:  req.GetNickName(),
		Messenger: req.GetMessenger(),
	}, nil
}

// readPageToken returns the number after which a page begins; 0 for the first page.
func readPageToken(token string) (int64, error) {
	if token == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(token, 10, 64)
	if err != nil || n <= 0 {
		return 0, fault.WithField(fault.Invalidf("invalid page_token"), "page_token")
	}
	return n, nil
}
