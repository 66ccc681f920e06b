package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestREST walks the rows of the contract's table, on the edge and on the port of
// the service itself. The steps build on each other.
func TestREST(t *testing.T) {
	everywhere(t, func(t *testing.T, d deployment) {
		t.Run("edge", func(t *testing.T) { walkREST(t, d.edge, "edge") })
		t.Run("group's own port", func(t *testing.T) { walkREST(t, d.group, "own") })
		t.Run("alert's own port", func(t *testing.T) {
			status, body := ask(t, http.MethodPost, d.alert+"/v1/alerts", `{"target":["@user1"],"message":"x"}`)
			if status != http.StatusOK || !strings.Contains(body, `"userCount":1`) {
				t.Errorf("%d %s", status, body)
			}
		})
	})
}

// demoGroups is the demonstration data.
const demoGroups = `[{"id":1,"groupName":"test-team1"},{"id":2,"groupName":"test-team2"},{"id":3,"groupName":"test-team3"},{"id":4,"groupName":"test-team4"},{"id":5,"groupName":"test-team5"}]`

func walkREST(t *testing.T, url, name string) {
	group := `{"id":{group},"groupName":"` + name
	walk(t, url, []step{
		{"all groups", "GET", "/v1/groups", "", 200, demoGroups, ""},
		{"one group", "GET", "/v1/groups/2", "", 200, `{"id":2,"groupName":"test-team2"}`, ""},
		{"no such group", "GET", "/v1/groups/999", "", 404, "", ""},
		{"a group's users", "GET", "/v1/groups/2/users", "", 200, `{"id":2,"groupName":"test-team2","userList":[{"id":2,"nickName":"user2"},{"id":7,"nickName":"user7"}]}`, ""},
		{"no such group's users", "GET", "/v1/groups/999/users", "", 404, "", ""},

		{"create", "POST", "/v1/groups", `{"groupName":"` + name + `"}`, 201, group + `"}`, "group"},
		{"create: name taken", "POST", "/v1/groups", `{"groupName":"` + name + `"}`, 400, "…" + name, ""},
		{"create: id in the body", "POST", "/v1/groups", `{"id":77,"groupName":"other"}`, 400, `…id`, ""},
		{"create: no name", "POST", "/v1/groups", `{}`, 400, "…group_name", ""},
		{"create: no body", "POST", "/v1/groups", ``, 400, "…group_name", ""},
		{"create: no JSON", "POST", "/v1/groups", `groupName=x`, 400, "", ""},
		{"create: a name of 31", "POST", "/v1/groups", `{"groupName":"` + strings.Repeat("x", 31) + `"}`, 400, "…group_name", ""},
		{"create: a misspelt field", "POST", "/v1/groups", `{"gruopName":"other"}`, 400, "…gruopName", ""},

		{"rename", "PUT", "/v1/groups/{group}", `{"groupName":"` + name + `2"}`, 200, group + `2"}`, ""},
		{"rename to itself", "PUT", "/v1/groups/{group}", `{"groupName":"` + name + `2"}`, 200, group + `2"}`, ""},
		{"rename: no such group", "PUT", "/v1/groups/999", `{"groupName":"y"}`, 404, "", ""},
		{"rename: name taken", "PUT", "/v1/groups/{group}", `{"groupName":"test-team1"}`, 400, "…test-team1", ""},
		{"rename: no name", "PUT", "/v1/groups/{group}", `{}`, 400, "…group_name", ""},

		{"nobody in it", "GET", "/v1/groups/{group}/users", "", 200, group + `2","userList":[]}`, ""},
		{"add a user", "POST", "/v1/groups/{group}/users", `{"nickName":"user3"}`, 201, group + `2","userList":[{"id":3,"nickName":"user3"}]}`, ""},
		{"add a user again", "POST", "/v1/groups/{group}/users", `{"nickName":"user3"}`, 201, group + `2","userList":[{"id":3,"nickName":"user3"}]}`, ""},
		{"add: no such user", "POST", "/v1/groups/{group}/users", `{"nickName":"nobody"}`, 404, "…nobody", ""},
		{"add: no such group", "POST", "/v1/groups/999/users", `{"nickName":"user3"}`, 404, "", ""},
		{"remove a user, a body is ignored", "DELETE", "/v1/groups/{group}/users/user3", `{"whatever":`, 200, "", ""},
		{"remove: no member", "DELETE", "/v1/groups/{group}/users/user3", "", 404, "", ""},
		{"remove: no such group", "DELETE", "/v1/groups/999/users/user3", "", 404, "", ""},

		{"delete", "DELETE", "/v1/groups/{group}", "", 200, "", ""},
		{"delete again", "DELETE", "/v1/groups/{group}", "", 404, "", ""},
		{"it is gone", "GET", "/v1/groups/{group}", "", 404, "", ""},
		{"the rest is as it was", "GET", "/v1/groups", "", 200, demoGroups, ""},
		{"no such path", "GET", "/v1/nothing", "", 404, "", ""},
	})
}

// TestNoGroups sees the bare empty array.
func TestNoGroups(t *testing.T) {
	edge := binaries.Serve(t, "--data="+t.TempDir(), "--edge-addr=127.0.0.1:0").URLs(t, 1)["edge"]
	if status, answer := ask(t, http.MethodGet, edge+"/v1/groups", ""); status != http.StatusOK || answer != "[]" {
		t.Errorf("%d %s", status, answer)
	}
}
