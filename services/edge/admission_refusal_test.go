package edge_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/edge"
)

// requestsByProtocol are the requests of a method that needs no service, by protocol.
var requestsByProtocol = map[string]func(t *testing.T) *http.Request{
	"REST": func(t *testing.T) *http.Request {
		return request(t, "/v1/intake/nobody", "application/json", `{}`)
	},
	"Connect": func(t *testing.T) *http.Request {
		return request(t, "/bongsu.intake.v1.IntakeService/Receive", "application/json", `{"source":"nobody","body":{"contentType":"application/json","data":"e30="}}`)
	},
	"gRPC": func(t *testing.T) *http.Request {
		r := request(t, "/bongsu.intake.v1.IntakeService/Receive", "application/grpc+json", envelope(`{"source":"nobody","body":{"contentType":"application/json","data":"e30="}}`))
		r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
		r.Header.Set("Te", "trailers")
		return r
	},
	"gRPC-Web": func(t *testing.T) *http.Request {
		return request(t, "/bongsu.intake.v1.IntakeService/Receive", "application/grpc-web+json", envelope(`{"source":"nobody","body":{"contentType":"application/json","data":"e30="}}`))
	},
}

func request(t *testing.T, path, contentType, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

func envelope(message string) string {
	return string([]byte{0, 0, 0, 0, byte(len(message))}) + message
}

// A refusal is what a caller sees of an error.
type refusal struct {
	status     int
	code       string // by gRPC: its number
	retryAfter string
	retryInfo  bool
}

func refusalOf(t *testing.T, protocol string, w *httptest.ResponseRecorder) refusal {
	t.Helper()
	res, text := w.Result(), w.Body.String()
	defer res.Body.Close()
	r := refusal{status: res.StatusCode, retryAfter: res.Header.Get("Retry-After")}
	switch protocol {
	case "gRPC", "gRPC-Web":
		if r.code = res.Header.Get("Grpc-Status"); r.code == "" {
			r.code = res.Trailer.Get("Grpc-Status")
		}
		if _, trailers, ok := strings.Cut(text, "grpc-status: "); ok {
			r.code, _, _ = strings.Cut(trailers, "\r\n")
		}
		details := firstOf(res.Header.Get("Grpc-Status-Details-Bin"), res.Trailer.Get("Grpc-Status-Details-Bin"))
		if _, trailers, ok := strings.Cut(text, "grpc-status-details-bin: "); ok {
			details, _, _ = strings.Cut(trailers, "\r\n")
		}
		decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(details, "="))
		kittest.NoError(t, err)
		r.retryInfo = bytes.Contains(decoded, []byte("google.rpc.RetryInfo"))
		r.retryAfter = firstOf(r.retryAfter, res.Trailer.Get("Retry-After"))
		if _, after, ok := strings.Cut(text, "retry-after: "); ok {
			r.retryAfter, _, _ = strings.Cut(after, "\r\n")
		}
	default:
		var e struct {
			Code    json.RawMessage
			Details []map[string]any
		}
		kittest.NoError(t, json.Unmarshal([]byte(text), &e))
		r.code = string(bytes.Trim(e.Code, `"`))
		for _, d := range e.Details {
			kind, _ := d["@type"].(string)
			name, _ := d["type"].(string)
			r.retryInfo = r.retryInfo || strings.HasSuffix(kind, "google.rpc.RetryInfo") || name == "google.rpc.RetryInfo"
		}
	}
	return r
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// TestRefusalsByProtocol refuses in the form of each protocol, with the time to wait.
func TestRefusalsByProtocol(t *testing.T) {
	for name, c := range map[string]struct {
		config func(*edge.AdmissionConfig)
		banned bool
		want   map[string]refusal
	}{
		"address limit": {func(c *edge.AdmissionConfig) { c.AddressLimit = "1/m" }, false, map[string]refusal{
			"REST":     {429, "8", "60", true},
			"Connect":  {429, "resource_exhausted", "60", true},
			"gRPC":     {200, "8", "60", true},
			"gRPC-Web": {200, "8", "60", true},
		}},
		"service limit": {func(c *edge.AdmissionConfig) { c.ServiceLimit = []string{"alert=1/m"} }, false, map[string]refusal{
			"REST":     {429, "8", "60", true},
			"Connect":  {429, "resource_exhausted", "60", true},
			"gRPC":     {200, "8", "60", true},
			"gRPC-Web": {200, "8", "60", true},
		}},
		"ban": {func(c *edge.AdmissionConfig) { c.AddressLimit = "1/m" }, true, map[string]refusal{
			"REST":     {403, "7", "3600", false},
			"Connect":  {403, "permission_denied", "3600", false},
			"gRPC":     {200, "7", "3600", false},
			"gRPC-Web": {200, "7", "3600", false},
		}},
	} {
		for protocol, newRequest := range requestsByProtocol {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				a := admit(t, c.config)
				if c.banned {
					a.bans.Add(netip.MustParseAddr(client), time.Hour)
				} else {
					for range 2 { // the burst
						first := a.serve(t, client, newRequest(t))
						if got := refusalOf(t, protocol, first); got.retryInfo || got.code != map[string]string{"REST": "5", "Connect": "not_found"}[protocol] && got.code != "5" {
							t.Fatalf("a request within the limit: %+v", got)
						}
					}
				}
				kittest.Equal(t, refusalOf(t, protocol, a.serve(t, client, newRequest(t))), c.want[protocol])
			})
		}
	}
}
