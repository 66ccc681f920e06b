package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// TestREST walks the REST paths of the older service, on the edge and on the port of
// the service itself. The steps depend on each other.
func TestREST(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		t.Run("edge", func(t *testing.T) { walkREST(t, d.edge, "edge") })
		t.Run("group's own port", func(t *testing.T) { walkREST(t, d.directory, "own") })
		t.Run("alert's own port", func(t *testing.T) {
			status, body := request(t, http.MethodPost, d.alert+"/v1/alerts", `{"target":["@user1"],"message":"x"}`)
			if status != http.StatusOK || !strings.Contains(body, `"userCount":1`) {
				t.Errorf("%d %s", status, body)
			}
		})
	})
}

// demoGroups are the groups of the demonstration data.
const demoGroups = `[{"id":1,"groupName":"test-team1"},{"id":2,"groupName":"test-team2"},{"id":3,"groupName":"test-team3"},{"id":4,"groupName":"test-team4"},{"id":5,"groupName":"test-team5"}]`

func walkREST(t *testing.T, url, name string) {
	group := `{"id":{group},"groupName":"` + name
	walk(t, url, []step{
		{"all groups", "GET", "/v1/groups", "", 200, demoGroups, ""},
		{"one group", "GET", "/v1/groups/2", "", 200, `{"id":2,"groupName":"test-team2"}`, ""},
		{"unknown group", "GET", "/v1/groups/999", "", 404, "", ""},
		{"a group's users", "GET", "/v1/groups/2/users", "", 200, `{"id":2,"groupName":"test-team2","userList":[{"id":2,"nickName":"user2"},{"id":7,"nickName":"user7"}]}`, ""},
		{"users of an unknown group", "GET", "/v1/groups/999/users", "", 404, "", ""},

		{"create", "POST", "/v1/groups", `{"groupName":"` + name + `"}`, 201, group + `"}`, "group"},
		{"create: name taken", "POST", "/v1/groups", `{"groupName":"` + name + `"}`, 400, "…" + name, ""},
		{"create: id in the body", "POST", "/v1/groups", `{"id":77,"groupName":"other"}`, 400, `…id`, ""},
		{"create: no name", "POST", "/v1/groups", `{}`, 400, "…group_name", ""},
		{"create: no body", "POST", "/v1/groups", ``, 400, "…group_name", ""},
		{"create: malformed JSON", "POST", "/v1/groups", `groupName=x`, 400, "", ""},
		{"create: a name of 31", "POST", "/v1/groups", `{"groupName":"` + strings.Repeat("x", 31) + `"}`, 400, "…group_name", ""},
		{"create: a misspelt field", "POST", "/v1/groups", `{"gruopName":"other"}`, 400, "…gruopName", ""},

		{"rename", "PUT", "/v1/groups/{group}", `{"groupName":"` + name + `2"}`, 200, group + `2"}`, ""},
		{"rename to itself", "PUT", "/v1/groups/{group}", `{"groupName":"` + name + `2"}`, 200, group + `2"}`, ""},
		{"rename: unknown group", "PUT", "/v1/groups/999", `{"groupName":"y"}`, 404, "", ""},
		{"rename: name taken", "PUT", "/v1/groups/{group}", `{"groupName":"test-team1"}`, 400, "…test-team1", ""},
		{"rename: no name", "PUT", "/v1/groups/{group}", `{}`, 400, "…group_name", ""},

		{"no members", "GET", "/v1/groups/{group}/users", "", 200, group + `2","userList":[]}`, ""},
		{"add a user", "POST", "/v1/groups/{group}/users", `{"nickName":"user3"}`, 201, group + `2","userList":[{"id":3,"nickName":"user3"}]}`, ""},
		{"add a user again", "POST", "/v1/groups/{group}/users", `{"nickName":"user3"}`, 201, group + `2","userList":[{"id":3,"nickName":"user3"}]}`, ""},
		{"add: unknown user", "POST", "/v1/groups/{group}/users", `{"nickName":"nobody"}`, 404, "…nobody", ""},
		{"add: unknown group", "POST", "/v1/groups/999/users", `{"nickName":"user3"}`, 404, "", ""},
		{"remove a user, a body is ignored", "DELETE", "/v1/groups/{group}/users/user3", `{"whatever":`, 200, "", ""},
		{"remove: not a member", "DELETE", "/v1/groups/{group}/users/user3", "", 404, "", ""},
		{"remove: unknown group", "DELETE", "/v1/groups/999/users/user3", "", 404, "", ""},

		{"delete", "DELETE", "/v1/groups/{group}", "", 200, "", ""},
		{"delete again", "DELETE", "/v1/groups/{group}", "", 404, "", ""},
		{"get after delete", "GET", "/v1/groups/{group}", "", 404, "", ""},
		{"the other groups are unchanged", "GET", "/v1/groups", "", 200, demoGroups, ""},
		{"unknown path", "GET", "/v1/nothing", "", 404, "", ""},
	})
}

// TestNoGroups checks the bare empty array.
func TestNoGroups(t *testing.T) {
	edge := binaries.Serve(t, "--data="+t.TempDir(), "--edge-addr=127.0.0.1:0").URLs(t, 1)["edge"]
	if status, answer := request(t, http.MethodGet, edge+"/v1/groups", ""); status != http.StatusOK || answer != "[]" {
		t.Errorf("%d %s", status, answer)
	}
}

// answered is a REST response with its status and headers.
type answered struct {
	status int
	header http.Header
	body   string
}

// sendRaw sends a request verbatim, for requests that http.Client would not send.
func sendRaw(t *testing.T, url, request string) answered {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, request)
	must(t, err)
	line, _, _ := strings.Cut(request, "\r\n")
	method, _, _ := strings.Cut(line, " ")
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	must(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	return answered{res.StatusCode, res.Header, string(body)}
}

// TestErrorsHaveOneShape sends malformed requests: each REST path returns a 4xx that
// names the place, as JSON with a number, a message and details.
func TestErrorsHaveOneShape(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		head := "Host: localhost\r\nConnection: close\r\n"
		inJSON := head + "Content-Type: application/json\r\n"
		sized := func(more, body string) string {
			return fmt.Sprintf("%s%sContent-Length: %d\r\n\r\n%s", inJSON, more, len(body), body)
		}
		alert := `{"target":["@nobody"],"message":"m"}`
		for _, c := range []struct {
			name, line, rest string
			status           int
			wantText         string
		}{
			{"a path that is not UTF-8", "GET /v1/users/%ff", head + "\r\n", 400, "nick_name"},
			{"a path of the older service that is not UTF-8", "DELETE /v1/groups/1/users/%ff", head + "\r\n", 400, "nick_name"},
			{"a path that is not a number", "GET /v1/groups/abc", head + "\r\n", 400, "id"},
			{"a query that is not UTF-8", "GET /v1/alerts?nickName=%ff", head + "\r\n", 400, "nickName"},
			{"a query name that is empty", "GET /v1/alerts?=x", head + "\r\n", 400, "query"},
			{"a query name that is not UTF-8", "GET /v1/users?%ff=x", head + "\r\n", 400, "query"},
			{"a query that is malformed", "GET /v1/users?a=%zz", head + "\r\n", 400, "query"},
			{"a time that is none", "GET /v1/alerts?createTimeFrom=15%C3%99%C3%83%C3%A9", head + "\r\n", 400, "create_time_from"},
			{"a query parameter that is not known", "GET /v1/alerts?nickname=user1", head + "\r\n", 400, "nickname"},
			{"a page token that is not base64", "GET /v1/alerts?pageToken=!!!", head + "\r\n", 400, "page_token"},
			{"an unknown enum value", "GET /v1/alerts?state=NOPE", head + "\r\n", 400, "state"},
			{"a header that is not UTF-8", "POST /v1/alerts", sized("Idempotency-Key: \xff\r\n", alert), 400, "Idempotency-Key"},
			{"a header of intake that is not UTF-8", "POST /v1/intake/cloudevents", sized("Ce-Id: \xff\r\n", "{}"), 400, "Ce-Id"},
			{"a type that is not UTF-8", "POST /v1/intake/cloudevents", head + "Content-Type: text/\xff\r\nContent-Length: 2\r\n\r\n{}", 400, "Content-Type"},
			{"a signature that is not UTF-8", "POST /v1/callbacks/twilio/1", sized("X-Twilio-Signature: \xff\r\n", "a=b"), 400, "X-Twilio-Signature"},
			{"a bad timeout", "GET /v1/users", head + "X-Server-Timeout: soon\r\n\r\n", 400, "X-Server-Timeout"},
			{"an exceeded timeout", "GET /v1/users", head + "X-Server-Timeout: 0.000000001\r\n\r\n", 408, "deadline"},
			{"bad chunks", "POST /v1/alerts", inJSON + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "body"},
			{"cut gzip", "POST /v1/alerts", sized("Content-Encoding: gzip\r\n", "\x1f\x8b\x08\x00\x00"), 400, "body"},
			{"cut gzip of intake", "POST /v1/intake/alertmanager", sized("Content-Encoding: gzip\r\n", "\x1f\x8b\x08\x00\x00"), 400, "body"},
			{"gzip twice", "POST /v1/alerts", sized("Content-Encoding: gzip, gzip\r\n", alert), 415, "Content-Encoding"},
			{"deflate", "POST /v1/alerts", sized("Content-Encoding: deflate\r\n", alert), 415, "Content-Encoding"},
			{"another charset", "POST /v1/users", head + "Content-Type: application/json; charset=latin1\r\nContent-Length: 2\r\n\r\n{}", 415, "UTF-8"},
			{"unknown path", "GET /v1/nothing", head + "\r\n", 404, "path"},
			{"unknown path with many segments", "POST /v1/a/b/c/d/e/f", sized("", "{}"), 404, "path"},
			{"unsupported method", "PATCH /v1/users", sized("", "{}"), 405, "GET, HEAD, POST"},
			{"unknown method", "FOO /v1/groups/1", head + "\r\n", 405, "DELETE, GET, HEAD, PUT"},
			{"a trailing slash", "GET /v1/users/", head + "\r\n", 404, "path"},
			{"an unknown field", "POST /v1/users", sized("", `{"nickName":"a","colour":1}`), 400, "colour"},
		} {
			t.Run(c.name, func(t *testing.T) {
				got := sendRaw(t, d.edge, c.line+" HTTP/1.1\r\n"+c.rest)
				var shape struct {
					Code    *int   `json:"code"`
					Message string `json:"message"`
					Details []any  `json:"details"`
				}
				if err := json.Unmarshal([]byte(got.body), &shape); err != nil || shape.Code == nil || *shape.Code == 0 || shape.Details == nil {
					t.Errorf("malformed error: %v %s", err, got.body)
				}
				if got.status != c.status || !strings.Contains(shape.Message, c.wantText) || got.header.Get("Content-Type") != "application/json" {
					t.Errorf("%d %s %s", got.status, got.header, got.body)
				}
				if allow := got.header.Get("Allow"); (allow != "") != (c.status == http.StatusMethodNotAllowed) || !strings.Contains(c.wantText, allow) {
					t.Errorf("%d with Allow %q", got.status, allow)
				}
			})
		}
	})
}

// TestConnectNamesThePlace checks that the same errors are invalid_argument over
// Connect too.
func TestConnectNamesThePlace(t *testing.T) {
	d := oneProcess(t)
	list, send := "/bongsu.alert.v1.AlertService/ListAlerts", "/bongsu.alert.v1.AlertService/SendAlert"
	head := "Host: localhost\r\nConnection: close\r\n"
	for _, c := range []struct{ name, request, wantText string }{
		{"bad base64", "GET " + list + "?connect=v1&encoding=proto&base64=1&message=!!! HTTP/1.1\r\n" + head + "\r\n", "message"},
		{"a malformed query", "GET " + list + "?connect=v1&encoding=json&message=%zz HTTP/1.1\r\n" + head + "\r\n", "query"},
		{"bad chunks", "POST " + send + " HTTP/1.1\r\n" + head + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "body"},
		{"cut gzip", "POST " + send + " HTTP/1.1\r\n" + head + "Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\x1f\x8b\x08\x00\x00", "body"},
		{"a header that is not UTF-8", "POST " + send + " HTTP/1.1\r\n" + head + "Content-Type: application/json\r\nIdempotency-Key: \xff\r\nContent-Length: 36\r\n\r\n" + `{"target":["@nobody"],"message":"m"}`, "Idempotency-Key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sendRaw(t, d.edge, c.request); got.status != http.StatusBadRequest || !strings.Contains(got.body, `"code":"invalid_argument"`) || !strings.Contains(got.body, c.wantText) {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}

// TestHEAD checks that HEAD is GET without the body.
func TestHEAD(t *testing.T) {
	d := oneProcess(t)
	for path, status := range map[string]int{"/v1/groups": 200, "/v1/groups/2/users": 200, "/v1/alerts": 200, "/v1/users/user1": 200, "/v1/groups/999": 404, "/v1/nothing": 404} {
		_, body := request(t, http.MethodGet, d.edge+path, "")
		got := sendRaw(t, d.edge, "HEAD "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if got.status != status || got.body != "" || got.header.Get("Content-Length") != strconv.Itoa(len(body)) {
			t.Errorf("%s: %d %s %q", path, got.status, got.header, got.body)
		}
	}
}

// TestNamesInPaths checks that a name with any characters routes to its user.
func TestNamesInPaths(t *testing.T) {
	d := oneProcess(t)
	for _, name := range []string{"a/b@c", "a:b", "a:verify", "%41", "..", "봉수", "a b?c#d", "*"} {
		escaped := strings.ReplaceAll(url.PathEscape(name), ":", "%3A")
		if name == ".." {
			escaped = "%2E%2E"
		}
		for _, path := range []string{"GET /v1/users/" + escaped, "DELETE /v1/groups/1/users/" + escaped} {
			got := sendRaw(t, d.edge, path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			quoted, err := json.Marshal("user " + strconv.Quote(name))
			must(t, err)
			if got.status != http.StatusNotFound || !strings.Contains(got.body, strings.Trim(string(quoted), `"`)) {
				t.Errorf("%s: %d %s", path, got.status, got.body)
			}
		}
	}
}
