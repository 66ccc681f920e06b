//go:build unix

package rpc_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// An echoService returns an alert of the usual size.
type echoService struct {
	alertv1connect.UnimplementedAlertServiceHandler
	response *alertv1.GetAlertResponse
}

func (s echoService) GetAlert(context.Context, *alertv1.GetAlertRequest) (*alertv1.GetAlertResponse, error) {
	return s.response, nil
}

// A clientPool takes its transports by turns.
type clientPool struct {
	transports []http.RoundTripper
	next       atomic.Uint32
}

func (p *clientPool) RoundTrip(r *http.Request) (*http.Response, error) {
	return p.transports[int(p.next.Add(1))%len(p.transports)].RoundTrip(r)
}

// BenchmarkHop compares the ways of a unary call from a process to another one, on behalf of a
// caller by HTTP/1.1, with a bare reverse proxy in the same place. cpu-us/op is the processor
// time of the caller, the hop and the service together: the machine may be shared.
func BenchmarkHop(b *testing.B) {
	response := &alertv1.GetAlertResponse{Alert: &alertv1.Alert{Id: "1234567890", Title: "disk full", Message: strings.Repeat("x", 300)}}
	service := serveBench(b, alertHandler(b, echoService{response: response}))
	target, err := url.Parse(service)
	if err != nil {
		b.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	connections := manyConnections()
	b.Cleanup(connections.CloseIdleConnections) // the service waits for connections without a request
	proxy.Transport = connections
	through := func(transport http.RoundTripper, options ...connect.ClientOption) http.Handler {
		client := &http.Client{Transport: transport}
		b.Cleanup(client.CloseIdleConnections)
		return alertHandler(b, forwarder{to: alertv1connect.NewAlertServiceClient(client, service, options...)})
	}
	four := &clientPool{}
	for range 4 {
		four.transports = append(four.transports, rpc.NewHTTPClient().Transport)
	}
	balanced := alertHandler(b, forwarder{to: alertv1connect.NewAlertServiceClient(balancedClient(b, service), balance.BaseURL, rpc.ClientOptions("alert", quiet))})
	for _, way := range []struct {
		name    string
		handler http.Handler
	}{
		{"reverse proxy", proxy},
		{"gRPC one HTTP2 connection", through(rpc.NewHTTPClient().Transport, connect.WithGRPC())},
		{"Connect one HTTP2 connection", through(rpc.NewHTTPClient().Transport)},
		{"Connect four HTTP2 connections", through(four)},
		{"Connect HTTP1", through(manyConnections())},
		{"balanced", balanced},
	} {
		b.Run(way.name, func(b *testing.B) { benchmarkCalls(b, serveBench(b, way.handler)) })
	}
}

// benchmarkCalls calls GetAlert at a URL.
func benchmarkCalls(b *testing.B, url string) {
	body, err := proto.Marshal(&alertv1.GetAlertRequest{Id: "1234567890"})
	if err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Transport: manyConnections()}
	b.SetParallelism(32)
	b.ReportAllocs()
	before := processorTime(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+alertv1connect.AlertServiceGetAlertProcedure, bytes.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			req.Header.Set("Content-Type", "application/proto")
			res, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if err != nil || res.StatusCode != http.StatusOK {
				b.Errorf("status %d, %v", res.StatusCode, err)
				return
			}
		}
	})
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-us/op")
	client.CloseIdleConnections()
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// manyConnections returns a transport that keeps as many connections as it opens.
func manyConnections() *http.Transport { return &http.Transport{MaxIdleConnsPerHost: 1024} }

// serveBench serves a port until the benchmark ends.
func serveBench(b *testing.B, handler http.Handler) (url string) {
	b.Helper()
	server, err := rpc.Listen(b.Context(), "127.0.0.1:0", handler, quiet)
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, 5*time.Second) }() // connections of HTTP/2 take a second to close
	b.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	return "http://" + server.Addr()
}

// balancedClient returns a client to one instance by a Balancer.
func balancedClient(b *testing.B, url string) *http.Client {
	b.Helper()
	balancer := balance.New(static(b, discovery.Instance{ID: "a", Name: "alert", URL: url, Services: []string{alertv1connect.AlertServiceName}}),
		balance.Options{Transport: rpc.NewHTTPClient().Transport, Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	changed := balancer.Changed()
	go func() { done <- balancer.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	<-changed
	return &http.Client{Transport: balancer.Transport()}
}
