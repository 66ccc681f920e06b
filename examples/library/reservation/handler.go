package reservation

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	deliveryv1 "github.com/bongsu-project/bongsu/gen/go/library/delivery/v1"
	"github.com/bongsu-project/bongsu/gen/go/library/delivery/v1/deliveryv1connect"
	reservationv1 "github.com/bongsu-project/bongsu/gen/go/library/reservation/v1"
	"github.com/bongsu-project/bongsu/gen/go/library/reservation/v1/reservationv1connect"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/page"
)

// endTimeout is the timeout of storing how an attempt to cancel ended.
const endTimeout = 5 * time.Second

// A Handler serves ReservationService.
type Handler struct {
	Store    *Store
	Delivery deliveryv1connect.CancellationServiceClient // each call ends within a timeout
	Now      func() time.Time
	Log      *slog.Logger
}

var _ reservationv1connect.ReservationServiceHandler = (*Handler)(nil)

// Reserve implements ReservationServiceHandler.
func (h *Handler) Reserve(ctx context.Context, req *reservationv1.ReserveRequest) (*reservationv1.ReserveResponse, error) {
	r, err := h.Store.Add(ctx, New(req.GetCustomer(), req.GetProductId(), h.Now()), req.GetIdempotencyKey())
	if err != nil {
		return nil, err
	}
	return &reservationv1.ReserveResponse{Reservation: toProto(r)}, nil
}

// GetReservation implements ReservationServiceHandler.
func (h *Handler) GetReservation(ctx context.Context, req *reservationv1.GetReservationRequest) (*reservationv1.GetReservationResponse, error) {
	r, err := h.Store.Get(ctx, req.GetCustomer(), req.GetId())
	if err != nil {
		return nil, err
	}
	return &reservationv1.GetReservationResponse{Reservation: toProto(r)}, nil
}

// ListReservations implements ReservationServiceHandler.
func (h *Handler) ListReservations(ctx context.Context, req *reservationv1.ListReservationsRequest) (*reservationv1.ListReservationsResponse, error) {
	all, next, err := page.Of(req, func(r Reservation) string { return r.ID }, func(after string, limit int) ([]Reservation, error) {
		return h.Store.List(ctx, req.GetCustomer(), after, limit)
	})
	if err != nil {
		return nil, err
	}
	res := &reservationv1.ListReservationsResponse{NextPageToken: next}
	for _, r := range all {
		res.Reservations = append(res.Reservations, toProto(r))
	}
	return res, nil
}

// CancelReservation implements ReservationServiceHandler. The reservation is Canceling while the
// delivery is canceled, so that the end of this process in between leaves an attempt that
// RefuseStale refuses.
func (h *Handler) CancelReservation(ctx context.Context, req *reservationv1.CancelReservationRequest) (*reservationv1.CancelReservationResponse, error) {
	attempt := newID()
	r, err := h.Store.BeginCancel(ctx, req.GetCustomer(), req.GetId(), attempt, h.Now())
	if err != nil {
		return nil, err
	}
	if r.State == Canceling {
		if r, err = h.cancel(ctx, r, attempt); err != nil {
			return nil, err
		}
	}
	return &reservationv1.CancelReservationResponse{Reservation: toProto(r)}, nil
}

// cancel cancels the delivery of a reservation and ends the attempt, also if the caller is gone.
func (h *Handler) cancel(ctx context.Context, r Reservation, attempt string) (Reservation, error) {
	_, refused := h.Delivery.CancelDelivery(ctx, &deliveryv1.CancelDeliveryRequest{ReservationId: r.ID, AttemptId: attempt})
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer end()
	if refused != nil {
		h.Log.WarnContext(ctx, "cancellation refused, because the delivery cannot be canceled", "reservation", r.ID, "reason", fault.ReasonOf(refused), "error", refused)
		if err := h.Store.RefuseCancel(ctx, r.ID, attempt, h.Now()); err != nil {
			h.Log.ErrorContext(ctx, "refused cancellation cannot be stored, retrying later", "reservation", r.ID, "error", err)
		}
		return r, unavailable()
	}
	r, err := h.Store.FinishCancel(ctx, attempt, r, h.Now())
	if errors.Is(err, fault.ErrConflict) {
		return r, unavailable()
	}
	return r, err
}

// unavailable returns the error of a refused cancellation.
func unavailable() error {
	err := fault.Unavailablef("delivery did not respond in time, and the reservation stays as it was; try again")
	return fault.WithDelay(fault.WithReason(err, "DELIVERY_UNAVAILABLE"), time.Second)
}

var states = map[State]reservationv1.ReservationState{
	Reserved:  reservationv1.ReservationState_RESERVATION_STATE_RESERVED,
	Canceling: reservationv1.ReservationState_RESERVATION_STATE_CANCELING,
	Canceled:  reservationv1.ReservationState_RESERVATION_STATE_CANCELED,
}

func toProto(r Reservation) *reservationv1.Reservation {
	return &reservationv1.Reservation{
		Id: r.ID, Customer: r.Customer, ProductId: r.ProductID, State: states[r.State],
		CreateTime: timestamppb.New(r.CreateTime), UpdateTime: timestamppb.New(r.UpdateTime),
	}
}
