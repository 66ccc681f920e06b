package delivery

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	deliveryv1 "github.com/bongsu-project/bongsu/gen/go/library/delivery/v1"
	"github.com/bongsu-project/bongsu/gen/go/library/delivery/v1/deliveryv1connect"

	"github.com/bongsu-project/bongsu/kit/page"
)

// A Handler serves DeliveryService, and CancellationService for the reservation service.
type Handler struct {
	Store *Store
	Now   func() time.Time
}

var (
	_ deliveryv1connect.DeliveryServiceHandler     = (*Handler)(nil)
	_ deliveryv1connect.CancellationServiceHandler = (*Handler)(nil)
)

// ListDeliveries implements DeliveryServiceHandler.
func (h *Handler) ListDeliveries(ctx context.Context, req *deliveryv1.ListDeliveriesRequest) (*deliveryv1.ListDeliveriesResponse, error) {
	filter := Filter{ReservationID: req.GetReservationId()}
	for state, wire := range states {
		if wire == req.GetState() {
			filter.State = state
		}
	}
	all, next, err := page.Of(req, func(d Delivery) string { return d.ID }, func(after string, limit int) ([]Delivery, error) {
		return h.Store.List(ctx, filter, after, limit)
	})
	if err != nil {
		return nil, err
	}
	res := &deliveryv1.ListDeliveriesResponse{NextPageToken: next}
	for _, d := range all {
		res.Deliveries = append(res.Deliveries, toProto(d))
	}
	return res, nil
}

// CompleteDelivery implements DeliveryServiceHandler.
func (h *Handler) CompleteDelivery(ctx context.Context, req *deliveryv1.CompleteDeliveryRequest) (*deliveryv1.CompleteDeliveryResponse, error) {
	d, err := h.Store.Complete(ctx, req.GetId(), h.Now())
	if err != nil {
		return nil, err
	}
	return &deliveryv1.CompleteDeliveryResponse{Delivery: toProto(d)}, nil
}

// CancelDelivery implements CancellationServiceHandler.
func (h *Handler) CancelDelivery(ctx context.Context, req *deliveryv1.CancelDeliveryRequest) (*deliveryv1.CancelDeliveryResponse, error) {
	d, err := h.Store.Cancel(ctx, req.GetReservationId(), req.GetAttemptId(), h.Now())
	if err != nil || d.ID == "" {
		return &deliveryv1.CancelDeliveryResponse{}, err
	}
	return &deliveryv1.CancelDeliveryResponse{Delivery: toProto(d)}, nil
}

var states = map[State]deliveryv1.DeliveryState{
	Started:   deliveryv1.DeliveryState_DELIVERY_STATE_STARTED,
	Delivered: deliveryv1.DeliveryState_DELIVERY_STATE_DELIVERED,
	Canceled:  deliveryv1.DeliveryState_DELIVERY_STATE_CANCELED,
}

func toProto(d Delivery) *deliveryv1.Delivery {
	return &deliveryv1.Delivery{
		Id: d.ID, ReservationId: d.ReservationID, Customer: d.Customer, ProductId: d.ProductID, Title: d.Title, State: states[d.State],
		CreateTime: timestamppb.New(d.CreateTime), UpdateTime: timestamppb.New(d.UpdateTime),
	}
}
