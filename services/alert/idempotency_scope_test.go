package alert_test

import (
	"context"
	"errors"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// TestIdempotencyKeysOfCallers proves that equal idempotency keys of two callers, of nobody, and
// of a source are different keys, and that each caller's own key is recognized.
func TestIdempotencyKeysOfCallers(t *testing.T) {
	h := newServiceHarness(t)
	as := func(id string) context.Context { return auth.WithCaller(t.Context(), auth.Caller{ID: id}) }
	callers := map[string]context.Context{
		"nobody": t.Context(), "a key": as("k1"), "another key": as("k2"), "an empty id": as(""),
		"an id with separators": as("k1\x1e\x1fkey\x00\xff"), "the id of a source": as("alertmanager"),
	}
	ids := map[string]string{}
	for who, ctx := range callers {
		req := &alertv1.SendAlertRequest{Target: []string{"@kim"}, Message: "of " + who, IdempotencyKey: "key"}
		first, err := h.alerts.SendAlert(ctx, req)
		must(t, err)
		if before, ok := ids[first.GetId()]; ok {
			t.Errorf("%s got the alert of %s", who, before)
		}
		ids[first.GetId()] = who
		again, err := h.alerts.SendAlert(ctx, req)
		must(t, err)
		if again.GetId() != first.GetId() {
			t.Errorf("%s: the repeated request is another alert", who)
		}
		if _, err := h.alerts.SendAlert(ctx, request("key", "another", "@kim")); !errors.Is(err, fault.ErrExists) {
			t.Errorf("%s: another request under the key: %v", who, err)
		}
	}
	if got := h.sendAll(t, "alertmanager", nil, request("key", "of a source", "@kim")); got[0] != "recorded 3" {
		t.Errorf("the key of a source: %s", got)
	}
}

// TestStoredKeys checks the stored form of keys, which databases of earlier versions contain.
func TestStoredKeys(t *testing.T) {
	for want, a := range map[string]alert.Alert{
		"":                      {IdempotencyScope: "\x1falertmanager\x1f"},
		"key":                   {IdempotencyKey: "key"},
		"\x1falertmanager\x1fk": {IdempotencyKey: "k", IdempotencyScope: "\x1falertmanager\x1f"},
	} {
		if got := a.StoredKey(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
