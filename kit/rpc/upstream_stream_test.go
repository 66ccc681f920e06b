package rpc

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
)

// TestUpstreamStreamEnds checks that a stream that an upstream has completed ends
// without an error, and without a warning, by every protocol.
func TestUpstreamStreamEnds(t *testing.T) {
	_, handler := alertv1connect.NewAlertServiceHandler(failingService{fail: func(context.Context) error { return nil }})
	url := serveFaulty(t, handler)
	for name, protocol := range map[string]connect.ClientOption{
		"Connect": connect.WithClientOptions(), "gRPC": connect.WithGRPC(), "gRPC-Web": connect.WithGRPCWeb(),
	} {
		t.Run(name, func(t *testing.T) {
			var logged logtest.Buffer
			client := NewHTTPClient()
			t.Cleanup(client.CloseIdleConnections)
			alerts := alertv1connect.NewAlertServiceClient(client, url, protocol, connect.WithInterceptors(&upstreamInterceptor{
				name: "alert", timeout: 2 * time.Second, log: slog.New(slog.NewTextHandler(&logged, nil)),
			}))
			stream, err := alerts.WatchAlert(t.Context(), &alertv1.WatchAlertRequest{})
			if err != nil {
				t.Fatal(err)
			}
			messages := 0
			for stream.Receive() {
				messages++
			}
			if stream.Err() != nil || messages != 1 || logged.String() != "" {
				t.Errorf("%d messages, %v, logged %q", messages, stream.Err(), logged.String())
			}
		})
	}
}
