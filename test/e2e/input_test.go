package e2e

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// TestBadInput sends invalid requests: each gets a 4xx that names the field, nothing is
// stored or sent, and the process keeps working.
func TestBadInput(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		rest, rpc := "/v1/alerts", "/bongsu.alert.v1.AlertService/SendAlert"
		for _, c := range []struct {
			name, contentType, body string
			wantText                string
			statuses                string // one for REST, one for Connect's JSON
		}{
			{"a target without @", "", `{"target":["@user1","user2"],"message":"m"}`, `user2`, "400 400"},
			{"a target of @", "", `{"target":["@"],"message":"m"}`, `target`, "400 400"},
			{"a target of three @", "", `{"target":["@@@user1"],"message":"m"}`, `@@@user1`, "400 400"},
			{"an empty target", "", `{"target":[""],"message":"m"}`, `target`, "400 400"},
			{"SQL in a target, which could be a name", "", `{"target":["@'; DROP TABLE users;--"],"message":"m","strict":true}`, `DROP TABLE`, "400 400"},
			{"a template in a target, which could be a name", "", `{"target":["@{{.}}"],"message":"m","strict":true}`, `{{.}}`, "400 400"},
			{"an invisible character in a target", "", `{"target":["@a\u200bb"],"message":"m"}`, `U+200B`, "400 400"},
			{"a control character in a target", "", `{"target":["@a\u0085b"],"message":"m"}`, `U+0085`, "400 400"},
			{"a target too long", "", `{"target":["@` + strings.Repeat("가", 31) + `"],"message":"m"}`, `at most 30 characters`, "400 400"},
			{"no target", "", `{"message":"m"}`, `target`, "400 400"},
			{"an empty target list", "", `{"target":[],"message":"m"}`, `target`, "400 400"},
			{"10,000 targets", "", `{"target":["@user1"` + strings.Repeat(`,"@user1"`, 9999) + `],"message":"m"}`, `target`, "400 400"},
			{"no message", "", `{"target":["@user1"]}`, `message`, "400 400"},
			{"a message too long", "", `{"target":["@user1"],"message":"` + strings.Repeat("x", 20001) + `"}`, `message`, "400 400"},
			{"a body too large", "", `{"target":["@user1"],"message":"` + strings.Repeat("x", 2<<20) + `"}`, `larger`, "413 429"},
			{"NUL in the message", "", `{"target":["@user1"],"message":"a\u0000b"}`, `message`, "400 400"},
			{"a newline in the severity", "", `{"target":["@user1"],"severity":"a\nb","message":"m"}`, `severity`, "400 400"},
			{"a severity too long", "", `{"target":["@user1"],"severity":"` + strings.Repeat("x", 31) + `","message":"m"}`, `severity`, "400 400"},
			{"a target of a wrong type", "", `{"target":"@user1","message":"m"}`, `target`, "400 400"},
			{"a message of a wrong type", "", `{"target":["@user1"],"message":7}`, `message`, "400 400"},
			{"truncated JSON", "", `{"target":["@user1"],"mess`, ``, "400 400"},
			{"malformed JSON", "", `hello`, ``, "400 400"},
			{"an empty body", "", ``, `target`, "400 415"},
			{"invalid UTF-8", "", "{\"target\":[\"@user1\"],\"message\":\"\xff\xfe\"}", `UTF-8`, "400 400"},
			{"a form", "application/x-www-form-urlencoded", `target=@user1&message=m`, `application/json`, "415 415"},
			{"XML", "application/xml", `<alert/>`, ``, "415 415"},
			{"strict and unknown", "", `{"target":["@user1","@nobody"],"message":"m","strict":true}`, `@nobody`, "400 400"},
		} {
			t.Run(c.name, func(t *testing.T) {
				if c.contentType == "" {
					c.contentType = "application/json"
				}
				statuses := strings.Fields(c.statuses)
				for i, path := range []string{rest, rpc} {
					status, answer := requestAs(t, http.MethodPost, d.edge+path, c.contentType, c.body)
					want := statuses[i]
					if got := http.StatusText(status); strings.Fields(want)[0] != strconv.Itoa(status) {
						t.Errorf("%s: %d %s, want %s: %s", path, status, got, want, answer)
					}
					if status != http.StatusUnsupportedMediaType && !strings.Contains(answer, c.wantText) {
						t.Errorf("%s lacks %q: %s", path, c.wantText, answer)
					}
				}
			})
		}
		t.Run("an unknown field: an error over REST, ignored by Connect", func(t *testing.T) {
			body := `{"target":["@user1"],"mesage":"m"}`
			if status, answer := request(t, http.MethodPost, d.edge+rest, body); status != http.StatusBadRequest || !strings.Contains(answer, "mesage") {
				t.Errorf("REST: %d %s", status, answer)
			}
			if status, answer := request(t, http.MethodPost, d.edge+rpc, `{"target":["@nobody"],"message":"m","later":"field"}`); status != http.StatusOK {
				t.Errorf("Connect: %d %s", status, answer)
			}
		})
		if _, answer := request(t, http.MethodGet, d.edge+"/v1/alerts?nickName=user1", ""); !strings.Contains(answer, `"alerts":[]`) {
			t.Errorf("something was stored: %s", answer)
		}
		if calls := d.calls(t); len(calls) != 0 {
			t.Errorf("calls were made: %v", calls)
		}
		if res := d.send(t, `{"target":["@user1"],"message":"still here"}`); *res.UserCount != 1 {
			t.Errorf("afterwards: %+v", res)
		}
	})
}

// TestNamesOfSpecialCharacters uses names with characters that are special to a database, a
// template, a shell or a browser.
func TestNamesOfSpecialCharacters(t *testing.T) {
	d := oneProcess(t)
	for _, name := range []string{`'; DROP TABLE groups;--`, `{{.}}`, `${HOME}`, `<b>`, `a/b@c`, `%s`, `a;b`} {
		for path, body := range map[string]string{"/v1/groups": `{"groupName":"` + name + `"}`, "/v1/users": `{"nickName":"` + name + `"}`} {
			if status, answer := request(t, http.MethodPost, d.edge+path, body); status != http.StatusCreated || !strings.Contains(answer, `"`+name+`"`) {
				t.Errorf("%s %s: %d %s", path, body, status, answer)
			}
		}
		status, answer := request(t, http.MethodPost, d.edge+"/v1/alerts", `{"target":["@`+name+`","@@`+name+`"],"message":"m","strict":true}`)
		if status != http.StatusOK {
			t.Errorf("an alert to %s: %d %s", name, status, answer)
		}
	}
}

// TestBadNames checks that invalid names are refused.
func TestBadNames(t *testing.T) {
	d := oneProcess(t)
	for _, name := range []string{`a\nb`, ` a`, `a `, `@a`, `a\u0000b`, `\u202ea`, `a\u3164`, `\u115f`, `a\u0085`, `a\u2028b`, ``} {
		for path, body := range map[string]string{"/v1/groups": `{"groupName":"` + name + `"}`, "/v1/users": `{"nickName":"` + name + `"}`} {
			if status, answer := request(t, http.MethodPost, d.edge+path, body); status != http.StatusBadRequest || !strings.Contains(answer, "_name") {
				t.Errorf("%s %s: %d %s", path, body, status, answer)
			}
		}
	}
	if status, answer := request(t, http.MethodPost, d.edge+"/v1/users", `{"nickName":"all"}`); status != http.StatusBadRequest {
		t.Errorf("a user called all: %d %s", status, answer)
	}
	if _, answer := request(t, http.MethodGet, d.edge+"/v1/groups", ""); answer != demoGroups {
		t.Errorf("something was stored: %s", answer)
	}
}
