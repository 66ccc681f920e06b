package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestPeopleREST walks the REST paths of users and their addresses. The steps depend on
// each other.
func TestPeopleREST(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		kim := `{"id":10,"nickName":"kim","addresses":[{"id":{address},"messenger":"slack","destination":"C10","rank":0}],"failover":false}`
		walk(t, d.edge, []step{
			{"create with an address", "POST", "/v1/users", `{"nickName":"kim","addresses":[{"messenger":"slack","credential":"SECRET-1","destination":"C10"}]}`, 201, kim, "address"},
			{"create: existing", "POST", "/v1/users", `{"nickName":"kim"}`, 400, "…kim", ""},
			{"create: unknown messenger", "POST", "/v1/users", `{"nickName":"lee","addresses":[{"messenger":"pigeon","credential":"x","destination":"y"}]}`, 400, "…addresses[0].messenger", ""},
			{"create: two of one messenger", "POST", "/v1/users", `{"nickName":"lee","addresses":[{"messenger":"slack","credential":"x","destination":"y"},{"messenger":"slack","credential":"x","destination":"z"}]}`, 400, "…slack", ""},
			{"create: nothing was stored of those", "GET", "/v1/users/lee", "", 404, "…lee", ""},
			{"get", "GET", "/v1/users/kim", "", 200, kim, ""},
			{"add an address of the same messenger", "POST", "/v1/users/kim/addresses", `{"messenger":"slack","credential":"x","destination":"C11"}`, 400, "…slack", ""},
			{"replace an address", "PUT", "/v1/users/kim/addresses/{address}", `{"messenger":"slack","credential":"SECRET-2","destination":"C12","rank":3}`, 200, `{"id":{address},"messenger":"slack","destination":"C12","rank":3}`, ""},
			{"replace: the rank is kept", "PUT", "/v1/users/kim/addresses/{address}", `{"messenger":"slack","credential":"SECRET-2","destination":"C12"}`, 200, `{"id":{address},"messenger":"slack","destination":"C12","rank":3}`, ""},
			{"replace: another rank", "PUT", "/v1/users/kim/addresses/{address}", `{"messenger":"slack","credential":"SECRET-2","destination":"C12","rank":0}`, 200, `{"id":{address},"messenger":"slack","destination":"C12","rank":0}`, ""},
			{"replace: a rank too high", "PUT", "/v1/users/kim/addresses/{address}", `{"messenger":"slack","credential":"x","destination":"C12","rank":1001}`, 400, "…rank", ""},
			{"replace: unknown address", "PUT", "/v1/users/kim/addresses/1", `{"messenger":"slack","credential":"x","destination":"C12"}`, 404, "", ""},
			{"replace: a credential with a newline", "PUT", "/v1/users/kim/addresses/{address}", `{"messenger":"slack","credential":"x\ny","destination":"C12"}`, 400, "…credential", ""},
			{"rename", "PUT", "/v1/users/kim", `{"newNickName":"kim2"}`, 200, strings.Replace(strings.Replace(kim, "kim", "kim2", 1), "C10", "C12", 1), ""},
			{"rename: existing", "PUT", "/v1/users/kim2", `{"newNickName":"user1"}`, 400, "…user1", ""},
			{"set failover", "PUT", "/v1/users/kim2", `{"failover":true}`, 200, `…"nickName":"kim2",`, ""},
			{"failover is set", "GET", "/v1/users/kim2", "", 200, `…"failover":true`, ""},
			{"set quiet hours", "PUT", "/v1/users/kim2", `{"quietHours":{"timeZone":"Asia/Seoul","intervals":[{"weekdays":["monday:friday"],"times":[{"startTime":"00:00","endTime":"07:00"}]},{"weekdays":["sunday"]}]}}`, 200,
				`…"quietHours":{"intervals":[{"weekdays":["monday:friday"],"times":[{"startTime":"00:00","endTime":"07:00"}]},{"weekdays":["sunday"],"times":[]}],"timeZone":"Asia/Seoul","minSeverity":"critical"}`, ""},
			{"quiet hours of an unknown zone", "PUT", "/v1/users/kim2", `{"quietHours":{"timeZone":"Asia/Atlantis","intervals":[{"weekdays":["sunday"]}]}}`, 400, "…quiet_hours.time_zone", ""},
			{"quiet hours over midnight", "PUT", "/v1/users/kim2", `{"quietHours":{"timeZone":"UTC","intervals":[{"times":[{"startTime":"22:00","endTime":"07:00"}]}]}}`, 400, "…quiet_hours.intervals[0].times[0]", ""},
			{"quiet hours without end", "POST", "/v1/users", `{"nickName":"lee","quietHours":{"timeZone":"UTC","intervals":[{"times":[]}]}}`, 400, "…quiet_hours.intervals", ""},
			{"quiet hours but not less than normal", "POST", "/v1/users", `{"nickName":"lee","quietHours":{"timeZone":"UTC","minSeverity":"low","intervals":[{"weekdays":["sunday"]}]}}`, 400, "…quiet_hours.min_severity", ""},
			{"quiet hours are kept", "GET", "/v1/users/kim2", "", 200, `…"timeZone":"Asia/Seoul"`, ""},
			{"remove quiet hours", "PUT", "/v1/users/kim2", `{"quietHours":{}}`, 200, `…"failover":true}`, ""},
			{"set nothing", "PUT", "/v1/users/kim2", `{}`, 400, "…new_nick_name", ""},
			{"rename: all is reserved", "PUT", "/v1/users/kim2", `{"newNickName":"all"}`, 400, "…new_nick_name", ""},
			{"remove an address", "DELETE", "/v1/users/kim2/addresses/{address}", "", 200, "", ""},
			{"remove an address again", "DELETE", "/v1/users/kim2/addresses/{address}", "", 404, "", ""},
			{"add an address", "POST", "/v1/users/kim2/addresses", `{"messenger":"slack","credential":"SECRET-3","destination":"C13"}`, 201, `{"id":{address},"messenger":"slack","destination":"C13","rank":0}`, "address"},
			{"a page", "GET", "/v1/users?pageSize=1", "", 200, `…"nextPageToken":"1"`, ""},
			{"the next page", "GET", "/v1/users?pageSize=9&pageToken=1", "", 200, `…"nextPageToken":""`, ""},
			{"an invalid page token", "GET", "/v1/users?pageToken=x", "", 400, "…page_token", ""},
			{"a page too large", "GET", "/v1/users?pageSize=1001", "", 400, "…page_size", ""},
			{"delete", "DELETE", "/v1/users/kim2", "", 200, "", ""},
			{"delete again", "DELETE", "/v1/users/kim2", "", 404, "", ""},
			{"messengers", "GET", "/v1/messengers", "", 200, `…"name":"slack"`, ""},
		})
	})
}

// TestListAlerts checks the pages and filters of alerts.
func TestListAlerts(t *testing.T) {
	d := oneProcess(t)
	var ids []string
	for _, body := range []string{
		`{"target":["@user1"],"severity":"critical","message":"one"}`,
		`{"target":["@user2"],"message":"two"}`,
		`{"target":["@nobody"],"severity":"low","message":"three"}`,
	} {
		id := d.send(t, body).ID
		d.ended(t, id)
		ids = append(ids, id)
	}
	for query, want := range map[string][]string{
		"":                                         {ids[2], ids[1], ids[0]},
		"pageSize=2":                               {ids[2], ids[1]},
		"pageSize=2&pageToken=" + ids[1]:           {ids[0]},
		"severity=critical":                        {ids[0]},
		"nickName=user2":                           {ids[1]},
		"state=DELIVERY_STATE_SENT":                {ids[1], ids[0]},
		"state=DELIVERY_STATE_FAILED":              nil,
		"state=DELIVERY_STATE_HELD":                nil,
		"createTimeFrom=2100-01-01T00:00:00Z":      nil,
		"createTimeBefore=2100-01-01T00:00:00Z":    {ids[2], ids[1], ids[0]},
		"severity=critical&nickName=user2":         nil,
		"state=DELIVERY_STATE_SENT&nickName=user1": {ids[0]},
	} {
		status, answer := request(t, http.MethodGet, d.edge+"/v1/alerts?"+query, "")
		at := -1
		for _, id := range want {
			next := strings.Index(answer, `"id":"`+id+`"`)
			if next <= at {
				t.Errorf("%s: %s is out of order: %s", query, id, answer)
			}
			at = next
		}
		if got := strings.Count(answer, `"id":"`); status != http.StatusOK || got != len(want) {
			t.Errorf("%s: %d, %d alerts of %d: %s", query, status, got, len(want), answer)
		}
	}
	if status, answer := request(t, http.MethodGet, d.edge+"/v1/alerts/"+ids[0], ""); status != http.StatusOK || !strings.Contains(answer, `"providerMessageId":"`) {
		t.Errorf("one alert: %d %s", status, answer)
	}
	for _, id := range []string{"1", "x", "-1", "99999999999999999999"} {
		if status, answer := request(t, http.MethodGet, d.edge+"/v1/alerts/"+id, ""); status != http.StatusNotFound {
			t.Errorf("alert %s: %d %s", id, status, answer)
		}
	}
	if status, answer := request(t, http.MethodPost, d.edge+"/v1/alerts:resolve", `{"target":["@@test-team2","@x"]}`); status != http.StatusOK || answer != `{"userCount":2,"recipients":[{"nickName":"user2","messenger":"slack","destination":"USER2_CHANNEL_ID"},{"nickName":"user7","messenger":"slack","destination":"USER7_CHANNEL_ID"}],"unknownTarget":["@x"],"nextPageToken":""}` {
		t.Errorf("resolve: %d %s", status, answer)
	}
}
