package mockup

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	sensNumber  = regexp.MustCompile(`^0[0-9]{8,10}$`)
	sensService = regexp.MustCompile(`^ncp:kkobizmsg:kr:[0-9]+:[A-Za-z0-9_-]+$`)
)

// ncpSENS sends an AlimTalk by SENS of NAVER Cloud Platform. It verifies the signature:
// the secret key of an access key is the access key backwards. It accepts every channel,
// and every template whose code is not unknown, and ten calls a second.
func (m *Mockup) ncpSENS(r *http.Request, body []byte) response {
	if a, ok := m.sensRefusal(r); ok {
		return a
	}
	type message struct {
		CountryCode string `json:"countryCode"`
		To          string `json:"to"`
		Content     string `json:"content"`
	}
	var post struct {
		Channel  string    `json:"plusFriendId"`
		Template string    `json:"templateCode"`
		Messages []message `json:"messages"`
	}
	if json.Unmarshal(body, &post) != nil || post.Channel == "" || post.Template == "" || len(post.Messages) == 0 || len(post.Messages) > 100 {
		return sensError(http.StatusBadRequest, "Bad Request", "invalid request")
	}
	access := r.Header.Get("X-Ncp-Iam-Access-Key")
	if wait := m.takeLimit("ncpsens "+access, 10, 10); wait > 0 {
		return sensError(http.StatusTooManyRequests, "Too Many Requests", "request quota exceeded")
	}
	id := strconv.FormatInt(m.uniqueMicros(), 36)
	made := make([]map[string]string, len(post.Messages))
	for i, p := range post.Messages {
		code, name, text := "A000", "success", "성공"
		switch {
		case post.Template == "unknown":
			code, name, text = "A104", "fail", "템플릿을 찾을 수 없음" // the codes of failures are unverified
		case !sensNumber.MatchString(p.To):
			code, name, text = "A105", "fail", "수신 번호 오류"
		case p.Content == "" || len([]rune(p.Content)) > 1_000:
			code, name, text = "A106", "fail", "메시지 길이 오류"
		}
		made[i] = map[string]string{
			"messageId": id + "-" + strconv.Itoa(i), "countryCode": p.CountryCode, "to": p.To, "content": p.Content,
			"requestStatusCode": code, "requestStatusName": name, "requestStatusDesc": text,
		}
	}
	return jsonResponse(http.StatusAccepted, map[string]any{
		"requestId": id, "requestTime": m.Now().Format("2006-01-02T15:04:05.000"), "statusCode": "202", "statusName": "success", "messages": made,
	})
}

// sensRefusal returns the response to a call that is not of the service or not signed.
func (m *Mockup) sensRefusal(r *http.Request) (response, bool) {
	access, millis := r.Header.Get("X-Ncp-Iam-Access-Key"), r.Header.Get("X-Ncp-Apigw-Timestamp")
	at, err := strconv.ParseInt(millis, 10, 64)
	switch {
	case access == "" || err != nil:
		return sensError(http.StatusUnauthorized, "Unauthorized", "Authentication information are missing."), true
	case m.Now().Sub(time.UnixMilli(at)).Abs() > 5*time.Minute:
		return sensError(http.StatusUnauthorized, "Unauthorized", "Expired timestamp."), true
	case !hmac.Equal([]byte(r.Header.Get("X-Ncp-Apigw-Signature-V2")), []byte(sensSignature(r.Method, r.URL.RequestURI(), millis, access))):
		return sensError(http.StatusUnauthorized, "Unauthorized", "Invalid authentication information."), true
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		return sensError(http.StatusBadRequest, "Bad Request", "invalid content type"), true
	case !sensService.MatchString(r.PathValue("service")):
		return sensError(http.StatusNotFound, "Not Found", "service not found"), true
	}
	return response{}, false
}

// sensSignature returns the signature of a call.
func sensSignature(method, uri, millis, access string) string {
	secret := []byte(access)
	slices.Reverse(secret)
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte(method + " " + uri + "\n" + millis + "\n" + access)) // never fails
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// sensError returns an error of SENS.
func sensError(status int, name, text string) response {
	return jsonResponse(status, map[string]any{"error": map[string]any{"status": status, "errors": name, "errorMessage": text}})
}
