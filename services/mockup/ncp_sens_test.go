package mockup_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
)

const sensMessages = "/alimtalk/v2/services/ncp:kkobizmsg:kr:1234567:shop/messages"

// setLimited makes the fakes enforce their limits.
func setLimited(t *testing.T, client mockupv1connect.MockupServiceClient) {
	t.Helper()
	if _, err := client.SetLimits(t.Context(), &mockupv1.SetLimitsRequest{Kept: true}); err != nil {
		t.Fatal(err)
	}
}

// signedSENS returns the headers of a call at a time, by the access key abc.
func signedSENS(at time.Time, path string, changes ...string) map[string]string {
	millis := strconv.FormatInt(at.UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte("cba"))
	_, _ = mac.Write([]byte("POST " + path + "\n" + millis + "\nabc"))
	header := map[string]string{
		"x-ncp-apigw-timestamp": millis, "x-ncp-iam-access-key": "abc", "x-ncp-apigw-signature-v2": base64.StdEncoding.EncodeToString(mac.Sum(nil)),
	}
	for i := 0; i < len(changes); i += 2 {
		maps.Copy(header, map[string]string{changes[i]: changes[i+1]})
	}
	return header
}

func TestNCPSENS(t *testing.T) {
	alim := func(template, to, content string) string {
		return `{"plusFriendId":"@shop","templateCode":"` + template + `","messages":[{"countryCode":"82","to":"` + to + `","content":"` + content + `"}]}`
	}
	good := alim("T1", "01012345678", "주문이 접수되었습니다.")
	header := signedSENS(noon, sensMessages)
	probes(t, []probe{
		{"takes a message", "", sensMessages, header, good, 202, `"requestStatusCode":"A000"`},
		{"a landline", "", sensMessages, header, alim("T1", "0212345678", "x"), 202, `"requestStatusCode":"A000"`},
		{"with the country code", "", sensMessages, header, alim("T1", "+821012345678", "x"), 202, `"requestStatusName":"fail"`},
		{"unknown template", "", sensMessages, header, alim("unknown", "01012345678", "x"), 202, `"requestStatusName":"fail"`},
		{"long", "", sensMessages, header, alim("T1", "01012345678", strings.Repeat("봉", 1_000)), 202, `"requestStatusCode":"A000"`},
		{"too long", "", sensMessages, header, alim("T1", "01012345678", strings.Repeat("봉", 1_001)), 202, `"requestStatusName":"fail"`},
		{"no messages", "", sensMessages, header, `{"plusFriendId":"@shop","templateCode":"T1","messages":[]}`, 400, "Bad Request"},
		{"no channel", "", sensMessages, header, `{"templateCode":"T1","messages":[{}]}`, 400, "Bad Request"},
		{"no JSON", "", sensMessages, header, `{`, 400, "Bad Request"},
		{"not signed", "", sensMessages, nil, good, 401, "Authentication information"},
		{"another secret", "", sensMessages, signedSENS(noon, sensMessages, "x-ncp-apigw-signature-v2", "AAAA"), good, 401, "Invalid authentication"},
		{"another path", "", sensMessages, signedSENS(noon, sensMessages+"?x=y"), good, 401, "Invalid authentication"},
		{"another time", "", sensMessages, signedSENS(noon, sensMessages, "x-ncp-apigw-timestamp", strconv.FormatInt(noon.UnixMilli()+1, 10)), good, 401, "Invalid authentication"},
		{"late", "", sensMessages, signedSENS(noon.Add(-6*time.Minute), sensMessages), good, 401, "Expired timestamp"},
		{"another service", "", "/alimtalk/v2/services/shop/messages", signedSENS(noon, "/alimtalk/v2/services/shop/messages"), good, 404, "service not found"},
		{"another type", "", sensMessages, signedSENS(noon, sensMessages, "Content-Type", "text/plain"), good, 400, "content type"},
	})
	_, _, server, client := serveMockup(t)
	setLimited(t, client)
	for n := range 11 {
		status, body, _ := probe{target: sensMessages, header: header, body: good}.send(t, server)
		if n < 10 && status != http.StatusAccepted || n == 10 && (status != http.StatusTooManyRequests || !strings.Contains(body, "Too Many Requests")) {
			t.Errorf("call %d: %d %s", n, status, body)
		}
	}
}
