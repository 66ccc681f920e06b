package alert_test

import (
	"errors"
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// TestCallbackEndpoints creates, lists and deletes endpoints: the secret is in the response to
// the creation only, and stored sealed.
func TestCallbackEndpoints(t *testing.T) {
	t.Parallel()
	l := ledgerIn(t, "sqlite")
	key, _ := keyringIn(t)
	h := endpoints(l, key)
	const given = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secrets := map[string]string{}
	for name, secret := range map[string]string{"shop": given, "orders": ""} {
		res, err := h.CreateCallbackEndpoint(t.Context(), &alertv1.CreateCallbackEndpointRequest{Name: name, Url: "https://example.com/" + name, Secret: secret})
		must(t, err)
		secrets[name] = res.GetSecret()
		if e := res.GetEndpoint(); e.GetName() != name || e.GetUrl() != "https://example.com/"+name || e.GetCreateTime() == nil {
			t.Errorf("created is %v", e)
		}
	}
	if secrets["shop"] != given || !strings.HasPrefix(secrets["orders"], "whsec_") || len(secrets["orders"]) < 40 {
		t.Errorf("secrets are %v", secrets)
	}
	_, err := h.CreateCallbackEndpoint(t.Context(), &alertv1.CreateCallbackEndpointRequest{Name: "shop", Url: "https://example.com/"})
	if !errors.Is(err, fault.ErrExists) {
		t.Errorf("a second shop: %v", err)
	}
	stored, err := l.CallbackEndpoints(t.Context())
	must(t, err)
	if len(stored) != 2 || strings.Contains(string(stored[1].SealedSecret), given[10:]) {
		t.Errorf("stored are %+v", stored)
	}
	list, err := h.ListCallbackEndpoints(t.Context(), &alertv1.ListCallbackEndpointsRequest{})
	must(t, err)
	if all := list.GetEndpoints(); len(all) != 2 || all[0].GetName() != "orders" || all[1].GetName() != "shop" {
		t.Errorf("listed are %v", all)
	}
	_, err = h.DeleteCallbackEndpoint(t.Context(), &alertv1.DeleteCallbackEndpointRequest{Name: "shop"})
	must(t, err)
	if _, err = h.DeleteCallbackEndpoint(t.Context(), &alertv1.DeleteCallbackEndpointRequest{Name: "shop"}); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestCallbackEndpointFields(t *testing.T) {
	t.Parallel()
	key, _ := keyringIn(t)
	for name, row := range map[string]struct {
		url, secret string
		http        bool
		field       string // empty for a valid endpoint
	}{
		"https":             {"https://example.com/hook", "", false, ""},
		"http":              {"http://example.com/hook", "", false, "url"},
		"http allowed":      {"http://example.com/hook", "", true, ""},
		"user and password": {"https://kim:SECRETPASS@example.com/", "", false, "url"},
		"no host":           {"https:///hook", "", false, "url"},
		"short secret":      {"https://example.com/", "whsec_SECRETSECRET", false, "secret"},
		"not base64":        {"https://example.com/", "whsec_SECRET!!!!!!!!!!!!!!!!!!!!!!!!!!!!", false, "secret"},
		"without prefix":    {"https://example.com/", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := endpoints(ledgerIn(t, "sqlite"), key)
			h.AllowHTTP = row.http
			_, err := h.CreateCallbackEndpoint(t.Context(), &alertv1.CreateCallbackEndpointRequest{Name: "orders", Url: row.url, Secret: row.secret})
			if row.field == "" {
				must(t, err)
				return
			}
			fields := fault.Fields(err)
			if !errors.Is(err, fault.ErrInvalid) || len(fields) != 1 || fields[0].Path != row.field || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%v, %v", err, fields)
			}
		})
	}
	if _, err := endpoints(ledgerIn(t, "sqlite"), nil).CreateCallbackEndpoint(t.Context(), &alertv1.CreateCallbackEndpointRequest{Name: "orders", Url: "https://example.com/"}); !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "--seal-key-file") {
		t.Errorf("without a seal key: %v", err)
	}
}

var _ alert.CallbackMetrics = (*callbackCounts)(nil)
