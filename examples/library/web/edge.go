package web

import (
	"context"
	"net/http"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/gen/go/library/delivery/v1/deliveryv1connect"
	"github.com/bongsu-project/bongsu/gen/go/library/mypage/v1/mypagev1connect"
	"github.com/bongsu-project/bongsu/gen/go/library/product/v1/productv1connect"
	"github.com/bongsu-project/bongsu/gen/go/library/reservation/v1/reservationv1connect"
)

// callTimeout is the timeout of a call, except for that of a stream.
const callTimeout = 10 * time.Second

// An edge is the API of the library and of Bongsu. Calls are made as the caller of their context.
type edge struct {
	access       accessv1connect.AccessServiceClient
	inbox        inboxv1connect.InboxServiceClient
	deliveries   deliveryv1connect.DeliveryServiceClient
	myPage       mypagev1connect.MyPageServiceClient
	products     productv1connect.ProductServiceClient
	reservations reservationv1connect.ReservationServiceClient
}

// newEdge returns the API at a URL.
func newEdge(url string) edge {
	client, timed := &http.Client{Transport: asCaller{http.DefaultTransport}}, connect.WithInterceptors(connect.UnaryInterceptorFunc(timeout))
	return edge{
		access:       accessv1connect.NewAccessServiceClient(client, url, timed),
		inbox:        inboxv1connect.NewInboxServiceClient(client, url, timed),
		deliveries:   deliveryv1connect.NewDeliveryServiceClient(client, url, timed),
		myPage:       mypagev1connect.NewMyPageServiceClient(client, url, timed),
		products:     productv1connect.NewProductServiceClient(client, url, timed),
		reservations: reservationv1connect.NewReservationServiceClient(client, url, timed),
	}
}

// timeout limits each call.
func timeout(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		ctx, end := context.WithTimeout(ctx, callTimeout)
		defer end()
		return next(ctx, req)
	}
}

// asCaller sends the API key of the caller with each request, and the address of the person: limits
// of the edge are those of the person, if it trusts this proxy.
type asCaller struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t asCaller) RoundTrip(req *http.Request) (*http.Response, error) {
	if c := callerOf(req.Context()); c != nil {
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+c.key)
		req.Header.Set("X-Forwarded-For", c.address)
	}
	return t.next.RoundTrip(req)
}
