package edge_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/api/httpbody"

	intakev1 "github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1/intakev1connect"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/internal/intake"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
)

// alerts is a DispatchService that counts the alerts it is sent, by source.
type alerts struct {
	jobv1connect.UnimplementedDispatchServiceHandler
	mu     sync.Mutex
	counts map[string]int
}

func (a *alerts) SendAlerts(_ context.Context, req *jobv1.SendAlertsRequest) (*jobv1.SendAlertsResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	res := &jobv1.SendAlertsResponse{}
	for range req.GetAlerts() {
		a.counts[req.GetSource()]++
		res.Results = append(res.Results, &jobv1.SendAlertsResult{Id: "1"})
	}
	return res, nil
}

// intakeCounts counts refusals of intake by reason.
type intakeCounts struct{ refused map[string]int }

func (*intakeCounts) Received(string, string, int)          {}
func (*intakeCounts) IntakeProblem(string, string)          {}
func (c *intakeCounts) RefusedIntake(source, reason string) { c.refused[source+" "+reason]++ }
func passSigned(h *edge.IntakeHandler, key string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case key != "" && r.Header.Get("Authorization") == "Bearer "+key:
				next.ServeHTTP(w, r.WithContext(auth.WithCaller(r.Context(), auth.Caller{ID: "ci"})))
			case h.CallersOnly && !h.IsSigned(r):
				w.Header().Set("WWW-Authenticate", "Bearer")
				w.WriteHeader(http.StatusUnauthorized)
			default:
				next.ServeHTTP(w, r)
			}
		})
	}
}

// TestIntakeSignature checks who may send to a source with a secret and to one without: by
// REST with authentication and without, and by Connect.
func TestIntakeSignature(t *testing.T) {
	const secret, body = "0123456789abcdef", `{"text":"disk full","target":"@kim"}`
	template := intake.Template{Message: "{{.text}}", Target: "{{.target}}"}
	sources, err := intake.Config{
		"signed": {Template: template, Signature: intake.SignatureConfig{Secret: secret}},
		"plain":  {Template: template},
	}.Sources()
	kittest.NoError(t, err)
	sum := hmac.New(sha256.New, []byte(secret))
	sum.Write([]byte(body))
	valid := "sha256=" + hex.EncodeToString(sum.Sum(nil))

	for _, c := range []struct {
		name       string
		required   bool // authentication
		path       string
		signature  string
		credential string
		want       int
		source     string // that has received the alert
	}{
		{"signed", true, "/v1/intake/signed", valid, "", 200, "signed"},
		{"signed, trailing slash", true, "/v1/intake/signed/", valid, "", 401, ""},
		{"signed, percent-encoded", true, "/v1/intake/%73igned", valid, "", 200, "signed"},
		{"wrong signature", true, "/v1/intake/signed", valid[:len(valid)-2] + "00", "", 401, ""},
		{"no signature", true, "/v1/intake/signed", "", "", 401, ""},
		{"caller without a signature", true, "/v1/intake/signed", "", "key", 200, "signed"},
		{"source without a secret", true, "/v1/intake/plain", valid, "", 401, ""},
		{"source without a secret by a parameter", true, "/v1/intake/signed?source=plain", valid, "", 200, "signed"},
		{"caller, source without a secret", true, "/v1/intake/plain", "", "key", 200, "plain"},
		{"unknown source", true, "/v1/intake/other", valid, "", 401, ""},
		{"off, signed", false, "/v1/intake/signed", valid, "", 200, "signed"},
		{"off, no signature", false, "/v1/intake/signed", "", "", 401, ""},
		{"off, source without a secret", false, "/v1/intake/plain", "", "", 200, "plain"},
	} {
		t.Run(c.name, func(t *testing.T) {
			service, counts := &alerts{counts: map[string]int{}}, &intakeCounts{map[string]int{}}
			url := newIntake(t, sources, service, counts, c.required)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+c.path, strings.NewReader(body))
			kittest.NoError(t, err)
			req.Header.Set("Content-Type", "application/json")
			if c.signature != "" {
				req.Header.Set("X-Hub-Signature-256", c.signature)
			}
			if c.credential != "" {
				req.Header.Set("Authorization", "Bearer "+c.credential)
			}
			res, err := http.DefaultClient.Do(req)
			kittest.NoError(t, err)
			kittest.NoError(t, res.Body.Close())
			if res.StatusCode != c.want {
				t.Errorf("status %d, want %d", res.StatusCode, c.want)
			}
			if res.StatusCode == http.StatusUnauthorized && res.Header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("WWW-Authenticate %q", res.Header.Get("WWW-Authenticate"))
			}
			want := map[string]int{}
			if c.source != "" {
				want[c.source] = 1
			}
			kittest.Equal(t, service.counts, want)
		})
	}

	t.Run("connect", func(t *testing.T) {
		for _, options := range [][]connect.ClientOption{nil, {connect.WithGRPC()}} {
			service, counts := &alerts{counts: map[string]int{}}, &intakeCounts{map[string]int{}}
			client := intakev1connect.NewIntakeServiceClient(rpc.NewHTTPClient(), newIntake(t, sources, service, counts, false), options...)
			req := &intakev1.ReceiveRequest{Source: "signed", Body: &httpbody.HttpBody{ContentType: "application/json", Data: []byte(body)}}
			if _, err := client.Receive(t.Context(), req); connect.CodeOf(err) != connect.CodeUnauthenticated {
				t.Errorf("no signature: error is %v", err)
			}
			ctx, call := connect.NewClientContext(t.Context())
			call.RequestHeader().Set("X-Hub-Signature-256", valid)
			if _, err := client.Receive(ctx, req); err != nil {
				t.Errorf("signed: %v", err)
			}
			kittest.Equal(t, service.counts, map[string]int{"signed": 1})
			kittest.Equal(t, counts.refused, map[string]int{"signed bad_signature": 1})
		}
	})
}

// newIntake serves intake and returns its URL. With required, a request without the
// credential "key" passes only if its source is signed.
func newIntake(t *testing.T, sources map[string]intake.Source, service *alerts, counts *intakeCounts, required bool) string {
	t.Helper()
	options := authOptions(t)
	dispatch := listen(t, rpc.Listener{Services: []rpc.Service{rpc.Internal(options, jobv1connect.NewDispatchServiceHandler, jobv1connect.DispatchServiceHandler(service))}})
	handler := &edge.IntakeHandler{
		Sources: sources, Dispatch: jobv1connect.NewDispatchServiceClient(rpc.NewHTTPClient(), dispatch.URL), Metrics: counts,
		Now: time.Now, Log: slog.New(slog.DiscardHandler), CallersOnly: required,
	}
	return listen(t, rpc.Listener{
		Services: []rpc.Service{rpc.Public(options, intakev1connect.NewIntakeServiceHandler, intakev1connect.IntakeServiceHandler(handler))},
		Stages:   []rpc.Stage{passSigned(handler, "key")},
	}).URL
}
