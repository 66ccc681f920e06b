package rpc

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRoutes(t *testing.T) {
	all := allRoutes(t)
	for _, c := range []struct{ method, path, template, canonical string }{
		{"GET", "/v1/groups", "/v1/groups", "/v1/groups"},
		{"HEAD", "/v1/groups", "/v1/groups", "/v1/groups"},
		{"GET", "/v1/groups/", "/v1/groups", "/v1/groups"},
		{"POST", "/v1/alerts/", "/v1/alerts", "/v1/alerts"},
		{"DELETE", "/v1/groups/1/users/a%2Fb%40c/", "/v1/groups/{id}/users/{nick_name}", "/v1/groups/1/users/a%2Fb@c"},
		{"GET", "/v1/users/a%2Fb%40c", "/v1/users/{nick_name}", "/v1/users/a%2Fb@c"},
		{"GET", "/v1/users/a%2fb", "/v1/users/{nick_name}", "/v1/users/a%2Fb"},
		{"GET", "/v1/users/a:b", "/v1/users/{nick_name}", "/v1/users/a%3Ab"},
		{"GET", "/v1/users/a%3Ab", "/v1/users/{nick_name}", "/v1/users/a%3Ab"},
		{"GET", "/v1/users/%25%41", "/v1/users/{nick_name}", "/v1/users/%25A"},
		{"GET", "/v1/users/%2E%2E", "/v1/users/{nick_name}", "/v1/users/.."},
		{"GET", "/v1/users/%EB%B4%89%EC%88%98", "/v1/users/{nick_name}", "/v1/users/%EB%B4%89%EC%88%98"},
		{"POST", "/v1/alerts/7:cancel", "/v1/alerts/{id}:cancel", "/v1/alerts/7:cancel"},
		{"POST", "/v1/users/a/addresses/1:verify", "/v1/users/{nick_name}/addresses/{id}:verify", "/v1/users/a/addresses/1:verify"},
		{"PATCH", "/v1/groups", "405 GET HEAD POST", ""},
		{"GET", "/v1/alerts/7:cancel", "405 POST", ""},
		{"DELETE", "/v1/groups/1/users", "405 GET HEAD POST", ""},
		{"GET", "/v1/users/", "404", ""},
		{"GET", "/v1/alerts/", "405 POST", ""},
		{"GET", "/v1/groups//users", "404", ""},
		{"GET", "/v1/nothing", "404", ""},
		{"GET", "/v1/", "404", ""},
		{"GET", "/v1/users/%ff", "400 nick_name: not valid UTF-8 in the path", ""},
		{"DELETE", "/v1/groups/%c0/users/a", "400 id: not valid UTF-8 in the path", ""},
	} {
		m, err := all.match(c.method, c.path)
		got := "404"
		switch {
		case err != nil:
			got = "400 " + err.Error()
		case m.route != nil:
			got = m.template
		case m.allow != nil:
			got = "405 " + strings.Join(m.allow, " ")
		}
		if got != c.template || m.path != c.canonical {
			t.Errorf("%s %s: %s %s, want %s %s", c.method, c.path, got, m.path, c.template, c.canonical)
		}
	}
}

func TestQueries(t *testing.T) {
	all := allRoutes(t)
	for _, c := range []struct{ request, known, ignored, err string }{
		{"GET /v1/alerts?state=DELIVERY_STATE_FAILED&pageSize=10&nick_name=a", "nick_name=a&pageSize=10&state=DELIVERY_STATE_FAILED", "", ""},
		{"GET /v1/alerts?nickname=a", "", "", `query parameter nickname: unknown field "nickname"`},
		{"GET /v1/alerts?=a", "", "", "query: parameter without a name"},
		{"GET /v1/alerts?%ff=a", "", "", "query: parameter name is not valid UTF-8"},
		{"GET /v1/alerts?nickName=%ff", "", "", "query parameter nickName: not valid UTF-8"},
		{"GET /v1/alerts?nickName=%zz", "", "", `query: invalid URL escape "%zz"`},
		{"GET /v1/alerts?a;b", "", "", "query: invalid semicolon separator in query"},
		{"GET /v1/users/kim?nickName=lee", "", "", `query parameter nickName: unknown field "nickName"`},
		{"POST /v1/users?nickName=lee", "", "", `query parameter nickName: unknown field "nickName"`},
		{"POST /v1/alerts?message=m&connect=v1", "", "connect message", ""},
		{"GET /v1/groups?_=1", "", "_", ""},
		{"GET /v1/groups?=1", "", "", "query: parameter without a name"},
		{"DELETE /v1/groups/1?id=2", "", "id", ""},
		{"POST /v1/intake/alertmanager?source=grafana&token=x", "", "source token", ""},
		{"GET /v1/alerts?pageSize=null", "", "", "query parameter pageSize: null is not allowed"},
		{"GET /v1/alerts?pageSize=1&pageSize=2", "", "", "query parameter pageSize: send it once"},
		{"GET /v1/alerts?state=0", "", "", `query parameter state: unknown value "0"`},
		{"GET /v1/alerts?state=SENT", "", "", `query parameter state: unknown value "SENT"`},
		{"GET /v1/alerts?nickName=null", "nickName=null", "", ""},
		{"GET /v1/alerts?nickName.x=a", "", "", `query parameter nickName.x: unknown field "nickName.x"`},
		{"GET /v1/alerts?" + strings.Repeat("x", 5000) + "=1", "", "", "…"},
	} {
		method, target, _ := strings.Cut(c.request, " ")
		path, raw, _ := strings.Cut(target, "?")
		m, err := all.match(method, path)
		if err != nil || m.route == nil {
			t.Fatalf("%s: %v", c.request, err)
		}
		known, ignored, err := m.query(raw)
		slices.Sort(ignored)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if c.err == "…" && len(text) < 1000 && text != "" {
			continue
		}
		if known != c.known || strings.Join(ignored, " ") != c.ignored || text != c.err {
			t.Errorf("%s: %q %q %q", c.request, known, ignored, text)
		}
	}
}

// FuzzRoutes checks that each path has a route with a UTF-8 path, an error, or neither.
func FuzzRoutes(f *testing.F) {
	for _, seed := range []string{"/v1/groups/1/users/a%2Fb", "/v1/alerts/1:cancel", "/v1/users/%", "//", ":", "/v1/alerts:resolve/"} {
		f.Add("GET", seed, "a=b")
	}
	all := allRoutes(f)
	f.Fuzz(func(t *testing.T, method, path, query string) {
		m, err := all.match(method, path)
		if err != nil || m.route == nil {
			return
		}
		if !utf8.ValidString(m.path) {
			t.Errorf("%q gives %q", path, m.path)
		}
		if known, _, err := m.query(query); err == nil && !utf8.ValidString(known) {
			t.Errorf("%q gives %q", query, known)
		}
	})
}
