// Package web is the web page of the library, for customers and the librarian. It calls the services
// through the edge only, as the person who has signed in: what a person may not do, the page cannot
// do either.
package web

import (
	"context"
	"embed"
	"log/slog"
	"net/http"
	"time"

	"github.com/bongsu-project/bongsu/kit/process"
)

// maxFormBytes limits the body of a form.
const maxFormBytes = 64 << 10

// contentPolicy is the Content-Security-Policy of all pages: nothing but files of this server, and
// neither scripts nor styles within pages.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

//go:embed static
var static embed.FS

// A Config holds the settings of the page.
type Config struct {
	Addr    string           // the listen address, host:port
	EdgeURL string           // of the edge
	Secure  bool             // people reach the page by HTTPS only: cookies are sent by nothing else
	Now     func() time.Time // the clock; nil means time.Now
}

// AddTo adds the page to a process.
func AddTo(ctx context.Context, p *process.Process, config Config) error {
	if config.Now == nil {
		config.Now = time.Now
	}
	return p.AddPort(ctx, process.Port{Name: "web", Addr: config.Addr, Handler: newHandler(config, p.Log())})
}

// A handler serves the pages.
type handler struct {
	edge     edge
	sessions *sessions
	secure   bool
	log      *slog.Logger
}

// newHandler returns the handler of all paths.
func newHandler(config Config, log *slog.Logger) http.Handler {
	h := &handler{edge: newEdge(config.EdgeURL), sessions: &sessions{now: config.Now}, secure: config.Secure, log: log}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler("/books", http.StatusSeeOther))
	mux.Handle("GET /reservations", http.RedirectHandler("/books", http.StatusSeeOther)) // the address of a form that failed
	for _, name := range []string{"style.css", "mypage.js", "icon.svg"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, static, "static/"+name) })
	}
	mux.HandleFunc("GET /signin", h.showSignIn)
	mux.HandleFunc("POST /signin", h.signIn)
	mux.HandleFunc("POST /signout", h.signOut)
	for pattern, serve := range map[string]pageFunc{
		"GET /books":         h.books,
		"POST /books":        h.addStock,
		"POST /reservations": h.reserve,
		"GET /mypage":        h.myPage,
		"POST /mypage":       h.cancel,
		"GET /mypage/{id}":   h.reservation,
		"GET /mypage/events": h.events,
		"GET /inbox":         h.inbox,
		"POST /inbox":        h.markRead,
		"GET /deliveries":    h.deliveries,
		"POST /deliveries":   h.complete,
	} {
		mux.Handle(pattern, h.signedIn(serve))
	}
	return protected(mux)
}

// protected refuses forms of other sites, and sets the headers that keep pages apart from them.
func protected(next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", contentPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cache-Control", "no-store") // pages are of a person, and back shows the present
		r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
		next.ServeHTTP(w, r)
	})
}
