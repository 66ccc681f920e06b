package web

import (
	"context"
	"crypto/rand"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
)

const (
	// sessionAge is the age at which a session ends.
	sessionAge = 12 * time.Hour
	// maxSessions limits the sessions; beyond it, the one that ends first makes room.
	maxSessions = 10_000
	// sessionCookie is the name of the cookie with the id of a session.
	sessionCookie = "library_session"
)

// A session is a person who has signed in. The API key stays in this process.
type session struct {
	Name      string
	Customer  bool // has reservations and an inbox
	Librarian bool
	key       string
	end       time.Time
}

// newSession returns the session of a caller with an API key.
func newSession(caller *accessv1.GetCallerResponse, key string) session {
	roles := caller.GetRoles()
	return session{
		Name: caller.GetName(), Customer: caller.GetNickName() != "", key: key,
		Librarian: slices.Contains(roles, "operator") || slices.Contains(roles, "admin"),
	}
}

// sessions are the sessions of this process by their random ids. They are safe for concurrent use.
type sessions struct {
	now  func() time.Time
	mu   sync.Mutex
	byID map[string]session
}

// start keeps a session, and returns its id.
func (s *sessions) start(one session) (id string) {
	now := s.now()
	one.end, id = now.Add(sessionAge), rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.byID, func(_ string, old session) bool { return !old.end.After(now) })
	if len(s.byID) >= maxSessions {
		delete(s.byID, s.first())
	}
	if s.byID == nil {
		s.byID = map[string]session{}
	}
	s.byID[id] = one
	return id
}

// first returns the id of the session that ends first.
func (s *sessions) first() (id string) {
	for other, one := range s.byID {
		if id == "" || one.end.Before(s.byID[id].end) {
			id = other
		}
	}
	return id
}

// of returns the session of a request.
func (s *sessions) of(r *http.Request) (one session, ok bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return session{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok = s.byID[cookie.Value]
	return one, ok && one.end.After(s.now())
}

// stop ends the session of a request.
func (s *sessions) stop(r *http.Request) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.byID, cookie.Value)
	}
}

// A caller is who calls the edge in a request: a session, with the address of the person.
type caller struct {
	session
	address string
}

type callerKey struct{}

// withCaller returns a context with the caller of a request from a remote address.
func withCaller(ctx context.Context, one session, remoteAddr string) context.Context {
	address, _, err := net.SplitHostPort(remoteAddr)
	if err != nil {
		address = ""
	}
	return context.WithValue(ctx, callerKey{}, &caller{one, address})
}

// callerOf returns the caller of a request, nil without one.
func callerOf(ctx context.Context) *caller {
	c, _ := ctx.Value(callerKey{}).(*caller)
	return c
}
