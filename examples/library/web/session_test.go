package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// request returns a request with the cookie of a session.
func request(t *testing.T, id string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/books", http.NoBody)
	r.AddCookie(&http.Cookie{Name: sessionCookie, Value: id})
	return r
}

func TestSessions(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := &sessions{now: func() time.Time { return now }}
	first := s.start(session{Name: "mina"})
	now = now.Add(time.Second)
	second := s.start(session{Name: "jun"})
	for id, want := range map[string]string{first: "mina", second: "jun", "": "", "chosen": ""} {
		if got, ok := s.of(request(t, id)); got.Name != want || ok != (want != "") {
			t.Errorf("session %q is that of %q, %t", id, got.Name, ok)
		}
	}
	now = now.Add(sessionAge - time.Second)
	if _, ok := s.of(request(t, first)); ok {
		t.Error("a session does not end")
	}
	if _, ok := s.of(request(t, second)); !ok {
		t.Error("a session ends early")
	}
	s.stop(request(t, second))
	if _, ok := s.of(request(t, second)); ok {
		t.Error("a session does not stop")
	}
	s.start(session{})
	if len(s.byID) != 1 {
		t.Errorf("%d sessions are kept", len(s.byID))
	}
}

// TestSessionLimit fills the sessions: the one that ends first makes room.
func TestSessionLimit(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := &sessions{now: func() time.Time { now = now.Add(time.Millisecond); return now }}
	first := s.start(session{})
	second := s.start(session{})
	for range maxSessions - 1 {
		s.start(session{})
	}
	if _, ok := s.of(request(t, first)); ok || len(s.byID) != maxSessions {
		t.Errorf("the first session is kept: %t, of %d", ok, len(s.byID))
	}
	if _, ok := s.of(request(t, second)); !ok {
		t.Error("the second session is not kept")
	}
}
