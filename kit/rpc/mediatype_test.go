package rpc

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestRawMediaTypes(t *testing.T) {
	form := RESTRule{BodyType: func(_ *http.Request, mediaType string) error {
		if mediaType != "application/x-www-form-urlencoded" {
			return errors.New("send a form")
		}
		return nil
	}}
	for _, c := range []struct {
		rule        RESTRule
		contentType string
		refused     bool
	}{
		{form, "application/x-www-form-urlencoded", false},
		{form, "Application/X-WWW-Form-Urlencoded; charset=UTF-8", false},
		{form, "text/plain", true},
		{form, ";;", true},
		{form, "", true},
		{RESTRule{}, "text/plain", false},
		{RESTRule{}, "", false},
		{RESTRule{}, "application/grpc", true},
		{RESTRule{}, "application/connect+json", true},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/things", nil)
		r.Header.Set("Content-Type", c.contentType)
		refused := (&route{RESTRule: c.rule, raw: true}).checkRawType(r)
		if (refused != nil) != c.refused || refused != nil && refused.status != http.StatusUnsupportedMediaType {
			t.Errorf("%q: %v", c.contentType, refused)
		}
	}
}
