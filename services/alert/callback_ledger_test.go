package alert_test

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// keyringIn returns a new keyring, and the path of its file.
func keyringIn(t testing.TB) (*seal.Keyring, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seal.key")
	must(t, sealkey.Format.CreateKeyFile(path))
	key, err := sealkey.Format.ReadKeyFile(path)
	must(t, err)
	return key, path
}

// A callbackLedger is a ledger with the callback endpoint orders, and its receiver.
type callbackLedger struct {
	l      *ledger.Store
	key    *seal.Keyring
	file   string // of the key
	r      *receiver
	counts *callbackCounts
	log    *bytes.Buffer
	jitter func(bound time.Duration) time.Duration // of the waits after failures
}

func openCallbackLedger(t *testing.T) *callbackLedger {
	t.Helper()
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), time.Now)
	must(t, err)
	key, file := keyringIn(t)
	res, err := endpoints(l, key).CreateCallbackEndpoint(t.Context(), &alertv1.CreateCallbackEndpointRequest{Name: "orders", Url: "https://orders.example.com/hook?token=T0PSECRET99"})
	must(t, err)
	secret, err := standardwebhooks.NewWebhook(res.GetSecret())
	must(t, err)
	return &callbackLedger{l, key, file, &receiver{t: t, secret: secret}, newCallbackCounts(), &bytes.Buffer{}, rand.N[time.Duration]}
}

// start runs a loop until it is stopped.
func (c *callbackLedger) start(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	loop := &alert.CallbackLoop{
		Store: c.l, Key: c.key, Metrics: c.counts, Now: time.Now, Jitter: c.jitter, Log: slog.New(slog.NewTextHandler(c.log, nil)),
		Endpoint: call.Endpoint{Client: &http.Client{Transport: c.r}, Now: time.Now}.ForUserURL(),
	}
	done := make(chan error, 1)
	go func() { done <- loop.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		must(t, <-done)
	}
}

// end records an alert with n deliveries that end at once.
func (c *callbackLedger) end(t *testing.T, n int) {
	t.Helper()
	ds := make([]alert.Delivery, n)
	for i := range ds {
		ds[i] = alert.Delivery{Nickname: "kim", Messenger: "fax", State: alert.Failed, Reason: "unknown_messenger", EndTime: time.Now()}
	}
	a := alert.Alert{Severity: "normal", Message: "x", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour), Callback: "orders"}
	_, err := c.l.AddAlert(t.Context(), a, ds, time.Now())
	must(t, err)
}

// endpoint returns the endpoint orders.
func (c *callbackLedger) endpoint(t *testing.T) *alertv1.CallbackEndpoint {
	t.Helper()
	res, err := endpoints(c.l, c.key).ListCallbackEndpoints(t.Context(), &alertv1.ListCallbackEndpointsRequest{})
	must(t, err)
	return res.GetEndpoints()[0]
}

// endpoints returns a handler of callback endpoints.
func endpoints(l *ledger.Store, key *seal.Keyring) *alert.CallbackEndpointHandler {
	return &alert.CallbackEndpointHandler{Store: l, Key: key, Now: time.Now}
}
