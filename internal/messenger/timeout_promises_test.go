package messenger

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
)

func timeoutBeforeRequest(t *testing.T, s sample) {
	dialing := make(chan struct{}, 1)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		dialing <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}}}
	m := s.make(endpoint("http://provider.invalid", client))
	ctx := newDeadline(t)
	go func() {
		<-dialing
		ctx.pass()
	}()
	if o := send(ctx, t, m, s.message); o.Kind != Retry || o.Code != "timeout" {
		t.Errorf("%+v", o)
	}
}

func timeoutAfterRequest(t *testing.T, s sample) {
	read := make(chan struct{}, 1) // the provider has received the request
	base := provider(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		read <- struct{}{}
		<-r.Context().Done()
	})
	m := s.make(endpoint(base, newClient(t)))
	givenUp(t, m, s, read, 0)
}

func timeoutInResponse(t *testing.T, s sample) {
	begun := make(chan struct{}, 1) // the head of the response was received
	var status int
	base := provider(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		write(w, "{")
		<-r.Context().Done()
	})
	client := newClient(t)
	transport := client.Transport
	client.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
		res, err := transport.RoundTrip(req)
		begun <- struct{}{}
		return res, err
	})
	m := s.make(endpoint(base, client))
	if status = s.ok(); s.refused == "" {
		t.Skip("its status alone is the provider's word, and that came whole")
	}
	givenUp(t, m, s, begun, status)
}

// givenUp ends the context of a call, by its deadline and by cancellation, when ready is
// signaled.
func givenUp(t *testing.T, m Messenger, s sample, ready <-chan struct{}, status int) {
	t.Helper()
	late := newDeadline(t)
	go func() {
		<-ready
		late.pass()
	}()
	if o := send(late, t, m, s.message); o.Kind != Unknown || o.Code != "timeout" || o.Status != status {
		t.Errorf("deadline: %+v", o)
	}

	stopping, stop := context.WithCancelCause(t.Context())
	go func() {
		<-ready
		stop(errors.New("the process ends"))
	}()
	if o := send(stopping, t, m, s.message); o.Kind != Unknown || o.Code != "canceled" || o.Status != status {
		t.Errorf("canceled: %+v", o)
	}
}
