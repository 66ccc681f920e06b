package rpc

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestRawMediaTypes(t *testing.T) {
	for _, c := range []struct {
		path, contentType, specVersion string
		refused                        bool
	}{
		{"/v1/intake/alertmanager", "application/json", "", false},
		{"/v1/intake/alertmanager", "Application/JSON; charset=UTF-8", "", false},
		{"/v1/intake/backup", "application/vnd.x+json", "", false},
		{"/v1/intake/alertmanager", "text/plain", "", true},
		{"/v1/intake/alertmanager", "", "", true},
		{"/v1/intake/alertmanager", "application/x-www-form-urlencoded", "1.0", true},
		{"/v1/intake/backup", "multipart/form-data; boundary=x", "", true},
		{"/v1/intake/backup", ";;", "", true},
		{"/v1/intake/cloudevents", "application/cloudevents+json", "", false},
		{"/v1/intake/cloudevents", "application/cloudevents-batch+json; charset=utf-8", "", false},
		{"/v1/intake/cloudevents", "text/plain", "1.0", false},
		{"/v1/intake/cloudevents", "text/plain", "", true},
		{"/v1/intake/cloudevents", "application/json", "", true},
		{"/v1/intake/cloudevents", "", "", true},
		{"/v1/intake/cloudevents", "application/grpc", "1.0", true},
		{"/v1/callbacks/twilio/1", "application/x-www-form-urlencoded; charset=UTF-8", "", false},
		{"/v1/callbacks/twilio/1", "text/plain", "", true},
		{"/v1/callbacks/twilio/1", "", "", true},
	} {
		rule := restRules["POST /v1/intake/{source}"]
		if c.path == "/v1/callbacks/twilio/1" {
			rule = restRules["POST /v1/callbacks/{messenger}/{delivery_id}"]
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.path, nil)
		r.Header.Set("Content-Type", c.contentType)
		r.Header.Set("Ce-Specversion", c.specVersion)
		refused := (&route{restRule: rule, raw: true}).checkRawType(r)
		if (refused != nil) != c.refused || refused != nil && refused.status != http.StatusUnsupportedMediaType {
			t.Errorf("%s as %q: %v", c.path, c.contentType, refused)
		}
	}
}
