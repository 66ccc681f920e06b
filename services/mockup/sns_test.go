package mockup_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/sns"
)

// TestSNSAcceptsSigned sends as the messenger does.
func TestSNSAcceptsSigned(t *testing.T) {
	m, _, server, client := serveMockup(t)
	endpoint := call.Endpoint{Client: server.Client(), Now: m.Now, URL: server.URL}
	sender := sns.New(endpoint)
	send := func(credential, to string) messenger.Outcome {
		return sender.Send(t.Context(), messenger.Message{DeliveryID: 7, Credential: credential, Destination: to, Text: "x"})
	}
	const good = "AKIA1:secret:ap-northeast-2"
	o := send(good, "+821012345678")
	if o.Kind != messenger.Sent || !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(o.MessageID) {
		t.Errorf("%+v", o)
	}
	for to, want := range map[string]messenger.Outcome{
		"+821012340000": {Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "OptedOut"},
		"01012345678":   {Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "InvalidParameter"},
	} {
		if o := send(good, to); o.Kind != want.Kind || o.Scope != want.Scope || o.Code != want.Code || o.Status != http.StatusBadRequest {
			t.Errorf("%s: %+v", to, o)
		}
	}
	if o := send("OTHER:secret:ap-northeast-2", "+821012345678"); o.Scope != messenger.CredentialScope || o.Code != "InvalidClientTokenId" || o.Status != http.StatusForbidden {
		t.Errorf("another key: %+v", o)
	}
	if o := sender.Verify(t.Context(), good, "+821012345678"); o.Kind != messenger.Sent {
		t.Errorf("verify: %+v", o)
	}
	if o := sender.Verify(t.Context(), good, "+821012340000"); o.Code != "opted_out" {
		t.Errorf("verify: %+v", o)
	}
	endpoint.Now = func() time.Time { return noon.Add(time.Hour) }
	if o := sns.New(endpoint).Verify(t.Context(), good, "+821012345678"); o.Code != "SignatureDoesNotMatch" || !strings.Contains(o.Excerpt, "Signature expired") {
		t.Errorf("with another clock: %+v", o)
	}
	if _, err := client.SetLimits(t.Context(), &mockupv1.SetLimitsRequest{Kept: true}); err != nil {
		t.Fatal(err)
	}
	for i := range 21 {
		if o := send(good, "+821012345678"); (i == 20) != (o.Kind == messenger.Paused) || i == 20 && o.Code != "Throttling" {
			t.Fatalf("call %d: %+v", i, o)
		}
	}
}

func TestSNSRefuses(t *testing.T) {
	const (
		form = "application/x-www-form-urlencoded"
		good = "Action=Publish&Version=2010-03-31&PhoneNumber=%2B821012345678&Message=x"
	)
	auth := func(key, headers string) string {
		return fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/20260301/us-east-1/sns/aws4_request, SignedHeaders=%s, Signature=%064d", key, headers, 0)
	}
	_, _, server, _ := serveMockup(t)
	for name, c := range map[string]struct {
		auth, date, form, body string
		status                 int
		code                   string
	}{
		"no signature":   {"", "20260301T120000Z", form, good, 403, "MissingAuthenticationToken"},
		"no date":        {auth("AKIA1", "host;x-amz-date"), "", form, good, 403, "IncompleteSignature"},
		"half of one":    {"AWS4-HMAC-SHA256 Credential=AKIA1", "20260301T120000Z", form, good, 403, "IncompleteSignature"},
		"of another day": {auth("AKIA1", "host;x-amz-date"), "20260302T120000Z", form, good, 403, "SignatureDoesNotMatch"},
		"without host":   {auth("AKIA1", "x-amz-date"), "20260301T120000Z", form, good, 403, "SignatureDoesNotMatch"},
		"unknown key":    {auth("SKIA1", "host;x-amz-date"), "20260301T120000Z", form, good, 403, "InvalidClientTokenId"},
		"JSON":           {auth("AKIA1", "host;x-amz-date"), "20260301T120000Z", "application/json", "{}", 400, "MalformedInput"},
		"no version":     {auth("AKIA1", "host;x-amz-date"), "20260301T120000Z", form, "Action=Publish", 400, "InvalidAction"},
		"another action": {auth("AKIA1", "host;x-amz-date"), "20260301T120000Z", form, "Action=Dance&Version=2010-03-31", 400, "InvalidAction"},
		"no number":      {auth("AKIA1", "host;x-amz-date"), "20260301T120000Z", form, "Action=Publish&Version=2010-03-31&Message=x", 400, "InvalidParameter"},
		"no message":     {auth("AKIA1", "host;x-amz-date"), "20260301T120000Z", form, strings.TrimSuffix(good, "x"), 400, "InvalidParameter"},
		"too long":       {auth("AKIA1", "host;x-amz-date"), "20260301T120000Z", form, good + strings.Repeat("x", 1600), 400, "InvalidParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/", strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range map[string]string{"Authorization": c.auth, "X-Amz-Date": c.date, "Content-Type": c.form} {
				if value != "" {
					req.Header.Set(name, value)
				}
			}
			res, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			status, body, header := read(t, res)
			if status != c.status || !strings.Contains(body, "<Code>"+c.code+"</Code>") || header.Get("Content-Type") != "text/xml" {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}
