package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	authv1 "github.com/bongsu-project/bongsu/gen/go/school/auth/v1"
)

const (
	cookieName = "school_session"
	// refreshBefore is how long before its end an access token is replaced: a call with it may take a while.
	refreshBefore = time.Minute
	// refreshTimeout limits a refresh, which goes on when the person leaves the page: a refresh token
	// works once.
	refreshTimeout = 10 * time.Second
)

// errSignedOut is the error of a session whose refresh token is not accepted any more.
var errSignedOut = errors.New("signed out")

// sessions are the people who have signed in, by the random ids in their cookies. Tokens never leave it.
//
// A session is shared by the requests of a person, because a refresh token works once: session
// libraries that copy the data of a session into each request would use it twice.
type sessions struct {
	mu  sync.Mutex
	all map[string]*session
}

func newSessions() *sessions { return &sessions{all: map[string]*session{}} }

// A session is a person who has signed in.
type session struct {
	account *authv1.Account
	end     atomic.Int64 // Unix seconds, when no token works any more

	mu     sync.Mutex // held during a refresh
	tokens *authv1.Tokens

	noticeMu sync.Mutex
	notice   string // for the next page; empty for none
}

// begin begins a session with a new id, and ends that of the request.
func (s *sessions) begin(w http.ResponseWriter, r *http.Request, secure bool, now time.Time, account *authv1.Account, tokens *authv1.Tokens) {
	id := rand.Text() + rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, err := r.Cookie(cookieName); err == nil {
		delete(s.all, old.Value)
	}
	for other, one := range s.all {
		if one.ended(now) {
			delete(s.all, other)
		}
	}
	one := &session{account: account}
	one.set(tokens)
	s.all[id] = one
	http.SetCookie(w, sessionCookie(id, secure, tokens.GetRefreshExpireTime().AsTime()))
}

// of returns the session of a request, nil for none.
func (s *sessions) of(r *http.Request, now time.Time) *session {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.all[cookie.Value]; one != nil && !one.ended(now) {
		return one
	}
	return nil
}

// end ends the session of a request, if any.
func (s *sessions) end(w http.ResponseWriter, r *http.Request, secure bool) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, cookie.Value)
	http.SetCookie(w, sessionCookie("", secure, time.Unix(1, 0)))
}

func sessionCookie(id string, secure bool, expires time.Time) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: id, Path: "/", Expires: expires, Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode} //nolint:gosec // without TLS, a browser would not send a secure one
}

// ended reports whether no token of the session works any more.
func (s *session) ended(now time.Time) bool { return now.Unix() >= s.end.Load() }

// set sets the tokens; nil ends the session.
func (s *session) set(tokens *authv1.Tokens) {
	s.tokens = tokens
	s.end.Store(tokens.GetRefreshExpireTime().GetSeconds())
}

// accessToken returns an access token that lasts for a while. Near the end of one, the first request
// exchanges the refresh token, and others wait for it. It returns errSignedOut if that is not accepted.
func (s *session) accessToken(ctx context.Context, now time.Time, refresh func(context.Context, *authv1.RefreshTokenRequest) (*authv1.RefreshTokenResponse, error)) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		return "", errSignedOut
	}
	if now.Add(refreshBefore).Before(s.tokens.GetAccessExpireTime().AsTime()) {
		return s.tokens.GetAccessToken(), nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	res, err := refresh(ctx, &authv1.RefreshTokenRequest{RefreshToken: s.tokens.GetRefreshToken()})
	if connect.CodeOf(err) == connect.CodeUnauthenticated {
		s.set(nil)
		return "", errSignedOut
	}
	if err != nil {
		return "", err
	}
	s.set(res.GetTokens())
	return s.tokens.GetAccessToken(), nil
}

// setNotice sets a text for the next page.
func (s *session) setNotice(text string) {
	s.noticeMu.Lock()
	defer s.noticeMu.Unlock()
	s.notice = text
}

// takeNotice returns the text for this page, once.
func (s *session) takeNotice() string {
	s.noticeMu.Lock()
	defer s.noticeMu.Unlock()
	text := s.notice
	s.notice = ""
	return text
}
