package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bongsu-project/bongsu/examples/school/seoul"
)

// serviceRate is the rate limit of each service in the tests of the edge.
const serviceRate = "40/s"

// callTimeout is the timeout of calls at the edge in these tests: shorter than the time in which the edge
// finds out that a connection is dead.
const callTimeout = 2500 * time.Millisecond

// TestGateway checks what the edge does before, around and in place of calls, over REST. Outing runs twice,
// schedule and club once, each in a process of its own.
func TestGateway(t *testing.T) {
	t.Parallel()
	s := startSchool(t, []string{"BONGSU_CALL_TIMEOUT=" + callTimeout.String()}, []string{"--service-limit=" + serviceRate}, "outing-1", "outing-2", "schedule", "club")
	for _, c := range []struct {
		name string
		test func(*testing.T, *school)
	}{
		{"invalid", testInvalid},
		{"credentials", testCredentials},
		{"roles", testRoles},
		{"not found", testNotFound},
		{"taken", testTaken},
		{"cache", testCache},
		{"round robin", testRoundRobin},
		{"breaker", testBreaker},
		{"no instance", testNoInstance},
		{"service limit", testServiceLimit},
		{"address limit", testAddressLimit},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, s) })
	}
}

const unknownID = "3f0f8d4e-6f43-4f8e-9d3b-0d8a2c1b5e77"

// testInvalid checks that a request without a field, or with one out of its bounds, gets 400 with the
// name of the field, and that nothing is stored.
func testInvalid(t *testing.T, s *school) {
	outing := func(change string) string {
		return strings.Replace(outingBody("NORMAL", time.Minute), `"place":"병원"`, change, 1)
	}
	yesterday := strings.Replace(outingBody("NORMAL", time.Minute), `"startTime":"`, `"startTime":"2026-03-02T09:00:00+09:00","idempotencyKey":"`, 1)
	for _, c := range []struct{ as, method, path, body, field string }{
		{"", "POST", "/v1/school/sign-in", `{"id":"chulsu"}`, "password"},
		{"", "POST", "/v1/school/accounts", `{"id":"Ab","password":"first password","role":"ROLE_PARENT","name":"한소희","children":["chulsu"]}`, "id"},
		{"", "POST", "/v1/school/accounts", `{"id":"sohee","password":"short","role":"ROLE_PARENT","name":"한소희","children":["chulsu"]}`, "password"},
		{"", "POST", "/v1/school/accounts", `{"id":"sohee","password":"first password","role":"ROLE_HEAD_TEACHER","name":"한소희"}`, "role"},
		{"", "POST", "/v1/school/accounts", `{"id":"sohee","password":"first password","role":"ROLE_STUDENT","name":"Sohee","grade":1,"class":1,"number":9}`, "name"},
		{"", "POST", "/v1/school/accounts", `{"id":"sohee","password":"first password","role":"ROLE_STUDENT","name":"한소희","grade":1,"class":1,"number":22}`, "number"},
		{"", "POST", "/v1/school/accounts", `{"id":"sohee","password":"first password","role":"ROLE_PARENT","name":"한소희","children":["nobody"]}`, "children[0]"},
		{"schooladmin", "PATCH", "/v1/school/accounts/mother", `{"email":"no address"}`, "email"},
		{"schooladmin", "GET", "/v1/school/accounts?pageSize=501", "", "page_size"},
		{"schooladmin", "GET", "/v1/school/accounts?pageToken=x", "", "page_token"},
		{"chulsu", "POST", "/v1/school/outings", outing(`"place":""`), "place"},
		{"chulsu", "POST", "/v1/school/outings", outing(`"place":"` + strings.Repeat("가", 51) + `"`), "place"},
		{"chulsu", "POST", "/v1/school/outings", strings.Replace(outing(`"place":"집"`), "SITUATION_NORMAL", "SITUATION_UNSPECIFIED", 1), "situation"},
		{"chulsu", "POST", "/v1/school/outings", `{"situation":"SITUATION_NORMAL","place":"집","reason":"x"}`, "start_time"},
		{"chulsu", "POST", "/v1/school/outings", yesterday, "start_time"},
		{"chulsu", "POST", "/v1/school/outings", outingBody("NORMAL", -time.Second), "end_time"},
		{"chulsu", "GET", "/v1/school/outings/x", "", "id"},
		{"teacherpark", "GET", "/v1/school/outings?date=2026-02-30", "", "date"},
		{"teacherpark", "POST", "/v1/school/outings/" + unknownID + ":decide", `{}`, "decision"},
		{"teacherpark", "GET", "/v1/school/timetable?from=2026-03-02", "", "grade"},
		{"teacherpark", "GET", "/v1/school/timetable?grade=2&from=2026-03-02", "", "class"},
		{"teacherpark", "GET", "/v1/school/timetable?grade=4&class=1&from=2026-03-02", "", "grade"},
		{"chulsu", "GET", "/v1/school/timetable?from=2026-03-02&to=2026-04-02", "", "to"},
		{"teacherpark", "PUT", "/v1/school/timetable", `{"grade":2,"class":3,"date":"2026-03-02","lessons":["1","2","3","4","5","6","7","8"]}`, "lessons"},
		{"teacherpark", "POST", "/v1/school/calendar", `{"text":"시험","from":"2026-03-03","to":"2026-03-02"}`, "to"},
		{"teacherpark", "POST", "/v1/school/calendar", `{"from":"2026-03-03","to":"2026-03-03"}`, "text"},
		{"teacherpark", "POST", "/v1/school/clubs", `{"head":"mother","name":"파발","field":"x","location":"302호","floor":3}`, "head"},
		{"teacherpark", "POST", "/v1/school/clubs", `{"head":"minsu","name":"파발","field":"x","location":"302호","floor":10}`, "floor"},
		{"teacherpark", "POST", "/v1/school/clubs/" + unknownID + "/recruitments", `{"concept":"x"}`, "seats"},
		{"teacherpark", "POST", "/v1/school/announcements", `{"title":"x","content":"x","grades":[4]}`, "grades[0]"},
		{"teacherpark", "POST", "/v1/school/announcements", `{"title":"` + strings.Repeat("가", 51) + `","content":"x"}`, "title"},
		{"teacherpark", "GET", "/v1/school/announcements/x/readers", "", "id"},
	} {
		res := s.do(t, request{as: c.as, method: c.method, path: c.path, body: c.body})
		if res.status != http.StatusBadRequest || !strings.Contains(res.body, `"field":"`+c.field+`"`) {
			t.Errorf("%s %s %s: %d %s, want 400 for %s", c.method, c.path, c.body, res.status, res.body, c.field)
		}
	}
	var list struct{ Outings []shownOuting }
	s.call(t, "chulsu", "GET", "/v1/school/outings", "", http.StatusOK, &list)
	if len(list.Outings) > 0 {
		t.Errorf("stored: %+v", list)
	}
}

// testCredentials checks that a request without a token, or with one that is not valid, gets 401.
func testCredentials(t *testing.T, s *school) {
	issued, err := jwt.ParseSigned(s.signIn(t, "chulsu"), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.Claims
	if err := issued.UnsafeClaimsWithoutVerification(&claims); err != nil {
		t.Fatal(err)
	}
	keyID := issued.Headers[0].KeyID
	own, other := newSigner(t, keyID, readKey(t, filepath.Join(s.data, "signing.key"))), newSigner(t, keyID, newKey(t))
	token := func(by jose.Signer, audience string, life time.Duration) string {
		t.Helper()
		text, err := jwt.Signed(by).Claims(jwt.Claims{
			Issuer: claims.Issuer, Subject: "chulsu", Audience: jwt.Audience{audience},
			IssuedAt: jwt.NewNumericDate(time.Now().Add(-2 * time.Hour)), Expiry: jwt.NewNumericDate(time.Now().Add(life)),
		}).Claims(map[string]any{"roles": []string{"user", "student"}, "nickname": "chulsu"}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	valid := token(own, "school", time.Hour)
	for name, c := range map[string]struct {
		token  string
		status int
	}{
		"valid":                       {valid, http.StatusOK},
		"none":                        {"", http.StatusUnauthorized},
		"malformed":                   {"x.y.z", http.StatusUnauthorized},
		"no token":                    {"beacon-fire", http.StatusUnauthorized},
		"without its signature":       {valid[:strings.LastIndex(valid, ".")+1], http.StatusUnauthorized},
		"expired":                     {token(own, "school", -time.Hour), http.StatusUnauthorized},
		"signed by another key":       {token(other, "school", time.Hour), http.StatusUnauthorized},
		"for another audience":        {token(own, "library", time.Hour), http.StatusUnauthorized},
		"claims of another signature": {swapClaims(token(own, "school", 2*time.Hour), valid), http.StatusUnauthorized},
	} {
		res := s.do(t, request{token: c.token, method: "GET", path: "/v1/school/outings"})
		if res.status != c.status || c.status == http.StatusUnauthorized && res.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %s", name, res.status, res.body)
		}
	}
}

// swapClaims returns a token with the claims of another one.
func swapClaims(token, other string) string {
	parts, others := strings.Split(token, "."), strings.Split(other, ".")
	return parts[0] + "." + others[1] + "." + parts[2]
}

// readKey returns the key of a file, with which the service signs.
func readKey(t *testing.T, file string) any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newKey(t *testing.T) any {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newSigner returns a signer whose tokens name a key.
func newSigner(t *testing.T, keyID string, key any) jose.Signer {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: keyID}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// testRoles checks for a method of each service which roles may call it: others get 403. The requests
// are not valid, so that they change nothing: whoever may call gets 400.
func testRoles(t *testing.T, s *school) {
	accounts := map[string]string{"student": "chulsu", "parent": "mother", "teacher": "teacherpark", "head teacher": "headteacher", "admin": "schooladmin"}
	teachers := []string{"teacher", "head teacher", "admin"}
	for _, c := range []struct {
		method, path string
		allowed      []string
	}{
		{"GET", "/v1/school/accounts?pageSize=-1", teachers},
		{"POST", "/v1/school/password", []string{"student", "parent", "teacher", "head teacher", "admin"}},
		{"POST", "/v1/school/outings", []string{"student"}},
		{"POST", "/v1/school/outings/x:decide", append([]string{"parent"}, teachers...)},
		{"POST", "/v1/school/outings/x:start", []string{"student"}},
		{"POST", "/v1/school/outings/x:end", teachers},
		{"PUT", "/v1/school/timetable", teachers},
		{"POST", "/v1/school/timetable:import", []string{"admin"}},
		{"POST", "/v1/school/calendar", teachers},
		{"POST", "/v1/school/clubs", teachers},
		{"PUT", "/v1/school/clubs/x", append([]string{"student"}, teachers...)},
		{"POST", "/v1/school/announcements", append([]string{"student"}, teachers...)},
		{"GET", "/v1/school/announcements/x/readers", append([]string{"student"}, teachers...)},
	} {
		body := "{}"
		if c.method == "GET" {
			body = ""
		}
		for role, account := range accounts {
			want := http.StatusForbidden
			if slices.Contains(c.allowed, role) {
				want = http.StatusBadRequest
			}
			if res := s.do(t, request{as: account, method: c.method, path: c.path, body: body}); res.status != want {
				t.Errorf("%s: %s %s: %d %s, want %d", role, c.method, c.path, res.status, res.body, want)
			}
		}
	}
	// An account is its person's own, too.
	s.call(t, "chulsu", "PATCH", "/v1/school/accounts/chulsu", "{}", http.StatusOK, nil)
	s.call(t, "chulsu", "PATCH", "/v1/school/accounts/younghee", "{}", http.StatusForbidden, nil)
	s.call(t, "chulsu", "GET", "/v1/school/accounts/chulsu", "", http.StatusOK, nil)
	s.call(t, "chulsu", "GET", "/v1/school/accounts/younghee", "", http.StatusForbidden, nil)
}

func testNotFound(t *testing.T, s *school) {
	for _, c := range []struct{ as, method, path, body string }{
		{"teacherpark", "GET", "/v1/school/accounts/nobody", ""},
		{"teacherpark", "POST", "/v1/school/accounts/nobody:approve", "{}"},
		{"chulsu", "GET", "/v1/school/outings/" + unknownID, ""},
		{"teacherpark", "POST", "/v1/school/outings/" + unknownID + ":decide", approval},
		{"teacherpark", "DELETE", "/v1/school/calendar/" + unknownID, ""},
		{"chulsu", "GET", "/v1/school/clubs/" + unknownID, ""},
		{"chulsu", "POST", "/v1/school/recruitments/" + unknownID + ":close", "{}"},
		{"chulsu", "GET", "/v1/school/announcements/" + unknownID, ""},
		{"chulsu", "GET", "/v1/school/lockers", ""},
	} {
		if res := s.do(t, request{as: c.as, method: c.method, path: c.path, body: c.body}); res.status != http.StatusNotFound {
			t.Errorf("%s %s: %d %s", c.method, c.path, res.status, res.body)
		}
	}
}

// testTaken checks that what is taken is refused by name, and that an idempotency key is good for
// one request.
func testTaken(t *testing.T, s *school) {
	for _, c := range []struct{ as, method, path, body, text string }{
		{"", "POST", "/v1/school/accounts", `{"id":"chulsu","password":"first password","role":"ROLE_STUDENT","name":"한소희","grade":1,"class":1,"number":9}`, "account chulsu already exists"},
		{"", "POST", "/v1/school/accounts", `{"id":"sohee","password":"first password","role":"ROLE_STUDENT","name":"한소희","grade":2,"class":3,"number":7}`, "another student has number 7 of class 2-3"},
		{"", "POST", "/v1/school/accounts", `{"id":"sohee","password":"first password","role":"ROLE_TEACHER","name":"한소희","grade":2,"class":3}`, "class 2-3 has a homeroom teacher"},
		{"", "POST", "/v1/school/accounts", `{"id":"sohee","password":"first password","role":"ROLE_TEACHER","name":"한소희","phone":"01011110001"}`, "another account has the phone"},
		{"teacherpark", "POST", "/v1/school/clubs", `{"head":"minsu","name":"봉수","field":"x","location":"302호","floor":3}`, "a club has the name 봉수"},
		{"teacherpark", "POST", "/v1/school/clubs", `{"head":"minsu","name":"파발","field":"x","location":"301호","floor":3}`, "has the location 301호"},
	} {
		res := s.do(t, request{as: c.as, method: c.method, path: c.path, body: c.body})
		if res.status != http.StatusConflict || !strings.Contains(res.body, c.text) {
			t.Errorf("%s: %d %s", c.body, res.status, res.body)
		}
	}
	awaitDay(t, time.Minute)
	key, body := map[string]string{"Idempotency-Key": "outing of chulsu"}, outingBody("NORMAL", time.Minute)
	var ids []string
	for range 2 {
		var out struct{ Outing shownOuting }
		res := s.do(t, request{as: "chulsu", method: "POST", path: "/v1/school/outings", body: body, header: key})
		res.decode(t, &out)
		ids = append(ids, out.Outing.ID)
	}
	if ids[0] == "" || ids[0] != ids[1] {
		t.Errorf("the outings of one key are %q", ids)
	}
	other := strings.Replace(body, "병원", "집", 1)
	if res := s.do(t, request{as: "chulsu", method: "POST", path: "/v1/school/outings", body: other, header: key}); res.status != http.StatusConflict {
		t.Errorf("another request with the key: %d %s", res.status, res.body)
	}
}

// testCache checks that the edge keeps responses for a minute, each for the caller who may see it, and
// drops them on a change.
func testCache(t *testing.T, s *school) {
	today := seoul.Day(time.Now())
	var clubs struct{ Clubs []struct{ ID string } }
	s.call(t, "teacherpark", "GET", "/v1/school/clubs", "", http.StatusOK, &clubs)
	club := "/v1/school/clubs/" + clubs.Clubs[0].ID
	change := func(concept string) string {
		return fmt.Sprintf(`{"name":"봉수","concept":%q,"field":"소프트웨어","location":"301호","floor":3}`, concept)
	}
	for _, c := range []struct{ path, method, change, body string }{
		{"/v1/school/timetable?from=" + today, "PUT", "/v1/school/timetable", fmt.Sprintf(`{"grade":2,"class":3,"date":%q,"lessons":["바뀐 수업"]}`, today)},
		{"/v1/school/calendar?from=2027-06-01&to=2027-06-30", "POST", "/v1/school/calendar", `{"text":"바뀐 일정","from":"2027-06-01","to":"2027-06-02"}`},
		{"/v1/school/announcements", "POST", "/v1/school/announcements", `{"title":"바뀐 공지","content":"x"}`},
		{"/v1/school/announcements:unread", "POST", "/v1/school/announcements", `{"title":"또 바뀐 공지","content":"x"}`},
		{"/v1/school/clubs", "PUT", club, change("바뀐 소개")},
		{club, "PUT", club, change("또 바뀐 소개")},
	} {
		get := func(who string) (body string, cached bool) {
			t.Helper()
			res := s.do(t, request{as: who, method: "GET", path: c.path})
			if res.status != http.StatusOK || res.header.Get("ETag") == "" {
				t.Fatalf("%s: %d %s", c.path, res.status, res.body)
			}
			return res.body, res.header.Get("Age") != ""
		}
		get("chulsu")
		before, cached := get("chulsu")
		if !cached {
			t.Errorf("%s is not cached", c.path)
		}
		if _, cached := get("younghee"); cached {
			t.Errorf("%s is cached for another caller", c.path)
		}
		s.call(t, "teacherpark", c.method, c.change, c.body, http.StatusOK, nil)
		after, cached := get("chulsu")
		if cached || after == before {
			t.Errorf("%s after the change: cached %t, %s", c.path, cached, after)
		}
	}
	res := s.do(t, request{as: "chulsu", method: "GET", path: club})
	res = s.do(t, request{as: "chulsu", method: "GET", path: club, header: map[string]string{"If-None-Match": res.header.Get("ETag")}})
	if res.status != http.StatusNotModified {
		t.Errorf("with the ETag: %d", res.status)
	}
}

// testRoundRobin stops one of two processes of outing: every second call gets no response, until the
// process goes on.
func testRoundRobin(t *testing.T, s *school) {
	list := func() int {
		return s.do(t, request{as: "chulsu", method: "GET", path: "/v1/school/outings", header: map[string]string{"X-Server-Timeout": "1"}}).status
	}
	list()
	s.own["outing-1"].signal(t, syscall.SIGSTOP)
	statuses := []int{list(), list(), list(), list()}
	s.own["outing-1"].signal(t, syscall.SIGCONT)
	if !slices.Equal(statuses, []int{200, 408, 200, 408}) && !slices.Equal(statuses, []int{408, 200, 408, 200}) {
		t.Errorf("with one of two processes stopped: %v", statuses)
	}
	for range 4 {
		if status := list(); status != http.StatusOK {
			t.Errorf("with both processes: %d", status)
		}
	}
}

// testBreaker stops schedule: its calls get 408 by the timeout, and at once 503 when the breaker has
// opened. When the process goes on, a probe closes the breaker.
func testBreaker(t *testing.T, s *school) {
	list := func() response {
		return s.do(t, request{as: "chulsu", method: "GET", path: "/v1/school/calendar?from=2028-01-01&to=2028-02-01"})
	}
	s.signIn(t, "chulsu")
	s.own["schedule"].signal(t, syscall.SIGSTOP)
	var calls sync.WaitGroup
	for i := range 5 {
		calls.Go(func() {
			res := s.do(t, request{as: "chulsu", method: "GET", path: fmt.Sprintf("/v1/school/timetable?from=2028-01-%02d", i+1)})
			if res.status != http.StatusRequestTimeout || !strings.Contains(res.body, "timed out after "+callTimeout.String()) {
				t.Errorf("without a response: %d %s", res.status, res.body)
			}
		})
	}
	calls.Wait()
	begin := time.Now()
	res := list()
	took := time.Since(begin)
	if res.status != http.StatusServiceUnavailable || res.header.Get("Retry-After") != "1" || !strings.Contains(res.body, "NO_INSTANCE") || took > time.Second {
		t.Errorf("with an open breaker: %d %s after %s, Retry-After %q", res.status, res.body, took, res.header.Get("Retry-After"))
	}
	if res := s.do(t, request{as: "chulsu", method: "GET", path: "/v1/school/outings"}); res.status != http.StatusOK {
		t.Errorf("another service meanwhile: %d %s", res.status, res.body)
	}
	s.own["schedule"].signal(t, syscall.SIGCONT)
	eventually(t, "the breaker closes", func() bool { return list().status == http.StatusOK })
}

// testNoInstance ends the only process of schedule: calls get 503 until there is another one.
func testNoInstance(t *testing.T, s *school) {
	list := func() response {
		return s.do(t, request{as: "chulsu", method: "GET", path: "/v1/school/calendar?from=2029-01-01&to=2029-01-02"})
	}
	s.own["schedule"].stop(t)
	eventually(t, "the edge knows no instance", func() bool {
		res := list()
		if res.status != http.StatusServiceUnavailable || res.header.Get("Retry-After") == "" {
			t.Errorf("without an instance: %d %s, Retry-After %q", res.status, res.body, res.header.Get("Retry-After"))
		}
		return strings.Contains(res.body, "NO_INSTANCE")
	})
	s.restart(t, "schedule")
	eventually(t, "schedule is back", func() bool { return list().status == http.StatusOK })
}

// flood sends requests from some addresses, as many at a time, until one has a response that ends it, and
// returns that response.
func (s *school) flood(t *testing.T, r request, addresses []string, ends func(response) bool) (last response) {
	t.Helper()
	var found sync.Once
	var senders sync.WaitGroup
	done, deadline := make(chan struct{}), time.Now().Add(patience)
	for _, address := range addresses {
		sent := r
		sent.header = map[string]string{"X-Forwarded-For": address}
		senders.Go(func() {
			for time.Now().Before(deadline) {
				select {
				case <-done:
					return
				default:
				}
				if res := s.do(t, sent); ends(res) {
					found.Do(func() { last = res; close(done) })
				}
			}
		})
	}
	senders.Wait()
	if last.status == 0 {
		t.Fatalf("no response of %s ended the flood within %s", r.path, patience)
	}
	return last
}

// testServiceLimit checks the limit of a service for all callers together; another service is not
// concerned.
func testServiceLimit(t *testing.T, s *school) {
	var addresses []string
	for range 8 {
		addresses = append(addresses, nextClient())
	}
	res := s.flood(t, request{token: s.signIn(t, "chulsu"), method: "GET", path: "/v1/school/clubs"}, addresses,
		func(r response) bool { return r.status != http.StatusOK })
	if res.status != http.StatusTooManyRequests || !strings.Contains(res.body, "SERVICE_LIMIT_EXCEEDED") || res.header.Get("Retry-After") == "" {
		t.Errorf("beyond the limit of the service: %d %s", res.status, res.body)
	}
	s.call(t, "chulsu", "GET", "/v1/school/outings", "", http.StatusOK, nil)
}

// testAddressLimit checks the limit of an address, and the ban of one that goes on; another address is
// not concerned.
func testAddressLimit(t *testing.T, s *school) {
	client := nextClient()
	r := request{method: "GET", path: "/v1/school/clubs"}
	senders := slices.Repeat([]string{client}, 8)
	limited := s.flood(t, r, senders, func(r response) bool { return r.status != http.StatusUnauthorized })
	if limited.status != http.StatusTooManyRequests || !strings.Contains(limited.body, "ADDRESS_LIMIT_EXCEEDED") || limited.header.Get("Retry-After") == "" {
		t.Errorf("beyond the limit of the address: %d %s", limited.status, limited.body)
	}
	banned := s.flood(t, r, senders, func(r response) bool { return r.status == http.StatusForbidden })
	if !strings.Contains(banned.body, "ADDRESS_BANNED") || banned.header.Get("Retry-After") == "" {
		t.Errorf("banned: %d %s", banned.status, banned.body)
	}
	valid := request{as: "chulsu", method: "GET", path: "/v1/school/outings", header: map[string]string{"X-Forwarded-For": client}}
	if res := s.do(t, valid); res.status != http.StatusForbidden {
		t.Errorf("a banned address with a token: %d %s", res.status, res.body)
	}
	s.call(t, "chulsu", "GET", "/v1/school/outings", "", http.StatusOK, nil)
}
