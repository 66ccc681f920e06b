// Package web has the pages of the school, for people in a browser. It is a client of the edge like
// any other: each call is made as the person who has signed in, with that person's access token.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bongsu-project/bongsu/kit/process"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// maxFormBytes limits the body of a form: an announcement of 20,000 Hangul is 180 kB in it.
const maxFormBytes = 512 << 10

// A Config holds the settings of the pages.
type Config struct {
	Addr    string // the listen address
	URL     string // where people reach the pages; with https, cookies are for TLS only
	EdgeURL string // the edge; empty if Pages.SetEdge names it later
}

// AddTo adds the pages to a process, as a port with the name web.
func AddTo(ctx context.Context, p *process.Process, c Config) (*Pages, error) {
	public, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	pages := newPages(public.Scheme == "https", time.Now, p.Log()) //nolint:contextcheck // each request has its own
	if c.EdgeURL != "" {
		pages.SetEdge(c.EdgeURL)
	}
	port := process.Port{Name: "web", Addr: c.Addr, Handler: pages, Ready: pages.ready}
	if public.Hostname() != "" {
		port.AllowedHosts = []string{public.Hostname()}
	}
	return pages, p.AddPort(ctx, port)
}

// Pages serves the pages. Sessions are in its memory: behind a load balancer, a person must reach the
// same process, and signs in again after a restart.
type Pages struct {
	clients  atomic.Pointer[clients] // nil until the edge is known
	sessions *sessions
	secure   bool // cookies are for TLS only
	now      func() time.Time
	log      *slog.Logger
	handler  http.Handler
}

func newPages(secure bool, now func() time.Time, log *slog.Logger) *Pages {
	p := &Pages{sessions: newSessions(), secure: secure, now: now, log: log}
	p.handler = p.routes()
	return p
}

// SetEdge sets the URL of the edge. Before, the pages respond with 503.
func (p *Pages) SetEdge(edgeURL string) { p.clients.Store(newClients(edgeURL, p.log)) }

func (p *Pages) ready(context.Context) error {
	if p.clients.Load() == nil {
		return errors.New("the edge is not known yet")
	}
	return nil
}

// routes returns the handler of all pages. Those with open need no sign-in. A GET changes nothing but
// read marks.
func (p *Pages) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(*visit) error{
		"GET /sign-in":              (*visit).signInPage,
		"POST /sign-in":             (*visit).signIn,
		"GET /sign-up":              (*visit).signUpPage,
		"POST /sign-up":             (*visit).signUp,
		"GET /password-reset":       (*visit).resetRequestPage,
		"POST /password-reset":      (*visit).requestReset,
		"GET /password-reset/code":  (*visit).resetPage,
		"POST /password-reset/code": (*visit).reset,
		"GET /outing-links/{link}":  (*visit).linkPage,
		"POST /outing-links/{link}": (*visit).decideByLink,
	} {
		mux.Handle(pattern, p.open(serve))
	}
	for pattern, serve := range map[string]func(*visit) error{
		"GET /{$}":                        (*visit).home,
		"POST /sign-out":                  (*visit).signOut,
		"GET /password":                   (*visit).passwordPage,
		"POST /password":                  (*visit).changePassword,
		"GET /outings":                    (*visit).outings,
		"GET /outings/new":                (*visit).newOutingPage,
		"POST /outings":                   (*visit).requestOuting,
		"GET /outings/{id}":               (*visit).outing,
		"POST /outings/{id}/{action}":     (*visit).changeOuting,
		"GET /timetable":                  (*visit).timetable,
		"POST /timetable":                 (*visit).setLessons,
		"GET /calendar":                   (*visit).calendar,
		"POST /calendar":                  (*visit).createEntry,
		"POST /calendar/{id}/delete":      (*visit).deleteEntry,
		"GET /announcements":              (*visit).announcements,
		"GET /announcements/new":          (*visit).newAnnouncementPage,
		"POST /announcements":             (*visit).createAnnouncement,
		"GET /announcements/{id}":         (*visit).announcement,
		"POST /announcements/{id}/delete": (*visit).deleteAnnouncement,
		"GET /clubs":                      (*visit).clubs,
		"GET /clubs/{id}":                 (*visit).club,
		"POST /clubs/{id}/members":        (*visit).addMember,
		"POST /clubs/{id}/remove":         (*visit).removeMember,
		"POST /clubs/{id}/recruitments":   (*visit).createRecruitment,
		"POST /recruitments/{id}/close":   (*visit).closeRecruitment,
		"GET /recruitments":               (*visit).recruitments,
		"GET /inbox":                      (*visit).inbox,
		"GET /inbox/stream":               (*visit).inboxStream,
		"POST /inbox/read":                (*visit).markAllRead,
		"POST /inbox/{id}/read":           (*visit).markRead,
		"GET /accounts":                   (*visit).accounts,
		"POST /accounts/{id}/{decision}":  (*visit).decideAccount,
	} {
		mux.Handle(pattern, p.signedIn(serve))
	}
	mux.Handle("GET /static/", assets)
	mux.Handle("/", p.open((*visit).notFound))
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(p.open((*visit).foreignSite))
	return secured(http.MaxBytesHandler(cross.Handler(mux), maxFormBytes))
}

// ServeHTTP serves a request.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// secured sets the headers of every response: scripts and styles come from files of this server only,
// no other site frames a page, and the address of a page, which may be a credential, goes to no other
// site. Without a referrer at all, browsers send forms without TLS with the origin null.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// A visit is a request of a person.
type visit struct {
	api     *clients
	pages   *Pages
	w       http.ResponseWriter
	r       *http.Request
	session *session // nil without sign-in
}

// open serves a page for everybody.
func (p *Pages) open(serve func(*visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{api: p.clients.Load(), pages: p, w: w, r: r}
		if v.api == nil {
			v.failText(http.StatusServiceUnavailable, textUnavailable) //nolint:contextcheck // a visit has that of its request
			return
		}
		v.r = r.WithContext(withCredential(r.Context(), credential{forwarded: forwardedFor(r)}))
		v.finish(serve(v)) //nolint:contextcheck // as above
	})
}

// signedIn serves a page for people who have signed in. Others get the page of the sign-in.
func (p *Pages) signedIn(serve func(*visit) error) http.Handler {
	return p.open(func(v *visit) error {
		s := p.sessions.of(v.r, p.now())
		if s == nil {
			return v.askSignIn()
		}
		token, err := s.accessToken(v.ctx(), p.now(), v.api.auth.RefreshToken)
		if err != nil {
			return err
		}
		v.session = s
		v.r = v.r.WithContext(withCredential(v.ctx(), credential{token, forwardedFor(v.r)}))
		return serve(v)
	})
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// askSignIn leads to the sign-in, and from there back to the page.
func (v *visit) askSignIn() error {
	v.pages.sessions.end(v.w, v.r, v.pages.secure)
	if v.r.URL.Path == streamPath { // the browser does not connect again
		v.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	to := "/sign-in"
	if v.r.Method == http.MethodGet && v.r.URL.Path != "/" {
		to += "?next=" + url.QueryEscape(v.r.URL.RequestURI())
	}
	return v.redirect(to)
}

// redirect leads to another page, by GET.
func (v *visit) redirect(to string) error {
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
	return nil
}

// done leads to another page, which shows a text once.
func (v *visit) done(to, text string) error {
	v.session.setNotice(text)
	return v.redirect(to)
}

// isLocal reports whether a path leads to a page of this server, and not to another site.
func isLocal(path string) bool {
	u, err := url.Parse(path)
	return err == nil && u.Scheme == "" && u.Host == "" && strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !strings.Contains(path, `\`)
}

func (v *visit) notFound() error {
	v.failText(http.StatusNotFound, "이런 페이지는 없습니다.")
	return nil
}

func (v *visit) foreignSite() error {
	v.failText(http.StatusForbidden, "다른 사이트에서 온 요청은 받지 않습니다.")
	return nil
}

// finish shows the error of a page, if any.
func (v *visit) finish(err error) {
	if err == nil {
		return
	}
	problem := problemOf(err)
	if problem.signedOut && v.session != nil || errors.Is(err, errSignedOut) {
		_ = v.askSignIn() // always nil
		return
	}
	if problem.status == http.StatusInternalServerError {
		v.pages.log.ErrorContext(v.ctx(), "page failed", "path", v.r.Pattern, "error", err)
	}
	v.failText(problem.status, problem.text)
}

// failText shows a page with the text of an error.
func (v *visit) failText(status int, text string) {
	if status == http.StatusServiceUnavailable {
		v.w.Header().Set("Retry-After", "5")
	}
	v.show(status, "failure", "문제가 생겼습니다", text)
}

// withCredential returns the context of calls with a credential. The services verify those of people.
func withCredential(ctx context.Context, c credential) context.Context {
	return context.WithValue(rpc.WithServiceAuthentication(ctx), credentialKey{}, c)
}
