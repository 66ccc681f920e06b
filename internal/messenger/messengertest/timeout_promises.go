package messengertest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

func timeoutBeforeRequest(t *testing.T, s Sample) {
	dialing := make(chan struct{}, 1)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		dialing <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}}}
	m := s.New(Endpoint("http://provider.invalid", client))
	ctx := NewDeadline(t)
	go func() {
		<-dialing
		ctx.Pass()
	}()
	if o := Send(ctx, t, m, s.Message); o.Kind != messenger.Retry || o.Code != "timeout" {
		t.Errorf("%+v", o)
	}
}

func timeoutAfterRequest(t *testing.T, s Sample) {
	read := make(chan struct{}, 1) // the provider has received the request
	base := Provider(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		read <- struct{}{}
		<-r.Context().Done()
	})
	m := s.New(Endpoint(base, NewClient(t)))
	givenUp(t, m, s, read, 0)
}

func timeoutInResponse(t *testing.T, s Sample) {
	begun := make(chan struct{}, 1) // the head of the response was received
	var status int
	base := Provider(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		write(w, "{")
		<-r.Context().Done()
	})
	client := NewClient(t)
	transport := client.Transport
	client.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
		res, err := transport.RoundTrip(req)
		begun <- struct{}{}
		return res, err
	})
	m := s.New(Endpoint(base, client))
	if status = s.ok(); s.Refused == "" {
		t.Skip("its status alone is the provider's word, and that came whole")
	}
	givenUp(t, m, s, begun, status)
}

// givenUp ends the context of a call, by its deadline and by cancellation, when ready is
// signaled.
func givenUp(t *testing.T, m messenger.Messenger, s Sample, ready <-chan struct{}, status int) {
	t.Helper()
	late := NewDeadline(t)
	go func() {
		<-ready
		late.Pass()
	}()
	if o := Send(late, t, m, s.Message); o.Kind != messenger.Unknown || o.Code != "timeout" || o.Status != status {
		t.Errorf("deadline: %+v", o)
	}

	stopping, stop := context.WithCancelCause(t.Context())
	go func() {
		<-ready
		stop(errors.New("the process ends"))
	}()
	if o := Send(stopping, t, m, s.Message); o.Kind != messenger.Unknown || o.Code != "canceled" || o.Status != status {
		t.Errorf("canceled: %+v", o)
	}
}
