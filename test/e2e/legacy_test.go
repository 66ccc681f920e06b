package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestCompatibility checks the behaviour that callers of the older service rely on, on
// its nine paths.
func TestCompatibility(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		t.Run("edge", func(t *testing.T) { walkAsOlderCaller(t, d.edge, "edge") })
		t.Run("group's own port", func(t *testing.T) { walkAsOlderCaller(t, d.directory, "own") })
		t.Run("any JSON type is accepted", func(t *testing.T) {
			for _, contentType := range []string{"application/json;charset=UTF-8", "APPLICATION/JSON", `application/json ; charset="utf-8"`, "application/vnd.team+json"} {
				status, answer := requestAs(t, http.MethodPost, d.edge+"/v1/alerts", contentType, `{"target":["@user1"],"message":"m"}`)
				if status != http.StatusOK || !strings.HasPrefix(answer, `{"userCount":1,`) {
					t.Errorf("%s: %d %s", contentType, status, answer)
				}
			}
		})
		t.Run("an alert with unknown fields is recorded, and the fields are named", func(t *testing.T) {
			status, answer := request(t, http.MethodPost, d.edge+"/v1/alerts", `{"source":"jenkins","target":["@user1"],"message":"m","details":[{"name":"a","value":"b","colour":"red"}]}`)
			if status != http.StatusOK || !strings.HasPrefix(answer, `{"userCount":1,"id":"`) || !strings.HasSuffix(answer, `,"unknownTarget":[],"ignoredField":["source","details.colour"]}`) {
				t.Errorf("%d %s", status, answer)
			}
			if _, answer := request(t, http.MethodGet, d.edge+"/v1/alerts", ""); !strings.Contains(answer, `"name":"a"`) || strings.Contains(answer, "jenkins") {
				t.Errorf("recorded: %s", answer)
			}
			if _, metrics := request(t, http.MethodGet, d.edge+"/metrics", ""); !regexp.MustCompile(`bongsu_rest_ignored_fields_total\{path="POST /v1/alerts"\} [1-9]`).MatchString(metrics) {
				t.Error("the ignored fields are not counted")
			}
		})
		t.Run("unknown fields do not hide a missing one", func(t *testing.T) {
			status, answer := request(t, http.MethodPost, d.edge+"/v1/alerts", `{"target":["@user1"],"mesage":"m"}`)
			if status != http.StatusBadRequest || !strings.Contains(answer, "message") || !strings.Contains(answer, `"ignoredField":["mesage"]`) {
				t.Errorf("%d %s", status, answer)
			}
		})
		t.Run("known fields are validated", func(t *testing.T) {
			for _, body := range []string{`{"target":"@user1","message":"m","x":1}`, `{"target":["@user1"],"message":7,"x":1}`, `{"x":1,"target":["@user1"],"message":"m"`, `{"target":["@user1"],"message":"m","status":"NOPE"}`} {
				if status, answer := request(t, http.MethodPost, d.edge+"/v1/alerts", body); status != http.StatusBadRequest {
					t.Errorf("%s: %d %s", body, status, answer)
				}
			}
		})
	})
}

func walkAsOlderCaller(t *testing.T, url, name string) {
	group := `{"id":{group},"groupName":"` + name
	walk(t, url, []step{
		{"all groups", "GET", "/v1/groups/", "", 200, demoGroups, ""},
		{"all groups, past caches", "GET", "/v1/groups?_=1732780800", "", 200, demoGroups, ""},
		{"one group", "GET", "/v1/groups/2/", "", 200, `{"id":2,"groupName":"test-team2"}`, ""},
		{"a group's users", "GET", "/v1/groups/2/users/", "", 200, `{"id":2,"groupName":"test-team2","userList":[{"id":2,"nickName":"user2"},{"id":7,"nickName":"user7"}]}`, ""},
		{"unknown group", "GET", "/v1/groups/999", "", 404, `…"reason":"GROUP_NOT_FOUND","domain":"bongsu.group.v1.GroupService"},{"@type":"type.googleapis.com/google.rpc.ResourceInfo","resourceType":"group","resourceName":"999"}],"errorCode":404,"errorMessage":"`, ""},
		{"unknown method", "PATCH", "/v1/groups/2", "{}", 405, `…"errorCode":405,"errorMessage":"`, ""},
		{"create", "POST", "/v1/groups/", `{"groupName":"` + name + `","owner":{"id":1}}`, 201, group + `","ignoredField":["owner"]}`, "group"},
		{"create: name taken", "POST", "/v1/groups", `{"groupName":"` + name + `"}`, 400, `…"errorCode":400,"errorMessage":"`, ""},
		{"create: a misspelt field", "POST", "/v1/groups", `{"gruopName":"other"}`, 400, `…"ignoredField":["gruopName"]`, ""},
		{"create: malformed JSON", "POST", "/v1/groups", `groupName=x`, 400, `…"errorCode":400`, ""},
		{"rename", "PUT", "/v1/groups/{group}/", `{"groupName":"` + name + `2","owner":1}`, 200, group + `2","ignoredField":["owner"]}`, ""},
		{"add a user", "POST", "/v1/groups/{group}/users/", `{"nickName":"user3","role":"x"}`, 201, group + `2","userList":[{"id":3,"nickName":"user3"}],"ignoredField":["role"]}`, ""},
		{"add: unknown user", "POST", "/v1/groups/{group}/users", `{"nickName":"nobody","role":"x"}`, 404, `…"errorCode":404,"errorMessage":"user \"nobody\"`, ""},
		{"remove a user, by the path", "DELETE", "/v1/groups/{group}/users/user3/", `{"nickName":"user4"}`, 200, "", ""},
		{"remove: not a member", "DELETE", "/v1/groups/{group}/users/user3", "", 404, `…"errorCode":404`, ""},
		{"delete", "DELETE", "/v1/groups/{group}/", "", 200, "", ""},
	})
}

// TestNewerPathsAreStrict checks that paths that the older service did not have refuse
// unknown fields and parameters, and use the newer error shape only.
func TestNewerPathsAreStrict(t *testing.T) {
	d := oneProcess(t)
	walk(t, d.edge, []step{
		{"an unknown field", "POST", "/v1/users", `{"nickName":"kim","source":1}`, 400, "…source", ""},
		{"an unknown field of a field", "POST", "/v1/users/user1/addresses", `{"messenger":"slack","colour":1}`, 400, "…colour", ""},
		{"an unknown field of a verb", "POST", "/v1/alerts:resolve", `{"target":["@user1"],"source":1}`, 400, "…source", ""},
		{"an unknown parameter", "GET", "/v1/users?sort=name", "", 400, "…sort", ""},
		{"a parameter for a field of the path", "DELETE", "/v1/users/user1?nickName=user2", "", 400, "…nickName", ""},
		{"a trailing slash", "GET", "/v1/users/user1/", "", 404, "", ""},
		{"an error", "GET", "/v1/users/nobody", "", 404, `{"code":5,"message":"user \"nobody\" not found","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"USER_NOT_FOUND","domain":"bongsu.user.v1.UserService"},{"@type":"type.googleapis.com/google.rpc.ResourceInfo","resourceType":"user","resourceName":"nobody"}]}`, ""},
	})
}
