package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

const (
	statusPagePath = "/status"
	statusJSONPath = "/status.json"
)

const (
	// statusPageAge is how long a status page is served before it is read again.
	statusPageAge = 10 * time.Second
	// statusPageRetry is the time between two reads of which the first failed.
	statusPageRetry = time.Second
	// maxStatusPageAge is how long the last status page is served while it cannot be read.
	maxStatusPageAge = 10 * time.Minute
	// statusPageTimeout is the timeout of a read.
	statusPageTimeout = 5 * time.Second
)

// A StatusPage serves the public status page: the states and the uptime of the monitors that are
// public, as HTML without a script and as JSON. It needs no credentials. The content is read at
// most every 10 seconds, for all callers. While it cannot be read, the last one is served for 10
// minutes, with a note. Its methods are safe for concurrent use.
type StatusPage struct {
	Monitors StatusPageMonitors
	Now      func() time.Time
	Log      *slog.Logger

	mu     sync.Mutex // held while the content is read: the others wait for it
	last   *statusContent
	failed time.Time // of the last read that failed
}

// StatusPageMonitors returns the content of a StatusPage, as StatusPageService does.
type StatusPageMonitors interface {
	GetStatusPage(context.Context, *monitorv1.GetStatusPageRequest) (*monitorv1.GetStatusPageResponse, error)
}

// A statusContent is the content of the page in both forms.
type statusContent struct {
	page  *monitorv1.GetStatusPageResponse
	read  time.Time
	stale bool // it could not be read again
	html  []byte
	json  []byte
}

// OpenPaths returns the paths that need no caller.
func (*StatusPage) OpenPaths() map[string]bool {
	return map[string]bool{statusPagePath: true, statusJSONPath: true}
}

// Handlers returns the handlers of the page, by pattern.
func (p *StatusPage) Handlers() map[string]http.Handler {
	return map[string]http.Handler{
		"GET " + statusPagePath: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Vary", "Accept")
			p.serve(w, r, wantsJSON(r))
		}),
		"GET " + statusJSONPath: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, true) }),
	}
}

// wantsJSON reports whether a request accepts JSON and not HTML, which browsers do.
func wantsJSON(r *http.Request) bool {
	accept := strings.ToLower(strings.Join(r.Header.Values("Accept"), ","))
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

// serve serves the page in one of its forms.
func (p *StatusPage) serve(w http.ResponseWriter, r *http.Request, asJSON bool) {
	content, err := p.content(r.Context())
	if err != nil {
		p.serveError(w, r, asJSON)
		return
	}
	contentType, body := "text/html; charset=utf-8", content.html
	if asJSON {
		contentType, body = "application/json", content.json
	}
	writeStatusHeader(w, contentType, fmt.Sprintf("public, max-age=%d", int(statusPageAge.Seconds())))
	_, _ = w.Write(body) // a write error means that the caller has gone
}

// errNoStatusPage is the error of a page that cannot be read. Its cause is in the log.
var errNoStatusPage = errors.New("the status page cannot be read now; try again later")

// serveError serves the page of a failure.
func (p *StatusPage) serveError(w http.ResponseWriter, r *http.Request, asJSON bool) {
	w.Header().Set("Retry-After", "30")
	if asJSON {
		rpc.WriteError(w, r, connect.NewError(connect.CodeUnavailable, errNoStatusPage), p.Log)
		return
	}
	page, err := renderStatusView(statusView{Class: "unknown", Heading: "The status is not known now", Error: "The status page cannot be read. Try again in a minute."})
	if err != nil {
		p.Log.ErrorContext(r.Context(), "status page failed", "error", err)
	}
	writeStatusHeader(w, "text/html; charset=utf-8", "no-store")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write(page) // a write error means that the caller has gone
}

// writeStatusHeader sets the header of a page. It has no script, and is shown in no other page.
func writeStatusHeader(w http.ResponseWriter, contentType, cacheControl string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", cacheControl)
	h.Set("X-Content-Type-Options", "nosniff")
}

// content returns the content of the page, which is read again when it is old.
func (p *StatusPage) content(ctx context.Context) (*statusContent, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Now()
	if p.last != nil && !p.last.stale && isWithin(now, p.last.read, statusPageAge) {
		return p.last, nil
	}
	if !isWithin(now, p.failed, statusPageRetry) {
		content, err := p.read(ctx, now)
		if err == nil {
			p.last = content
			return content, nil
		}
		p.failed = p.Now()
		p.Log.WarnContext(ctx, "status page cannot be read", "error", err)
	}
	return p.stale(now)
}

// isWithin reports whether a time is at most a duration before now.
func isWithin(now, before time.Time, d time.Duration) bool {
	age := now.Sub(before)
	return age >= 0 && age < d
}

// read reads the page. A caller that goes away does not end the read, for which others may wait.
func (p *StatusPage) read(ctx context.Context, now time.Time) (*statusContent, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statusPageTimeout)
	defer cancel()
	page, err := p.Monitors.GetStatusPage(ctx, &monitorv1.GetStatusPageRequest{})
	if err != nil {
		return nil, err
	}
	return newStatusContent(page, now, false)
}

// stale returns the last content with a note, unless it is too old.
func (p *StatusPage) stale(now time.Time) (*statusContent, error) {
	if p.last == nil || !isWithin(now, p.last.read, maxStatusPageAge) {
		return nil, errNoStatusPage
	}
	if !p.last.stale {
		content, err := newStatusContent(p.last.page, p.last.read, true)
		if err != nil {
			return nil, err
		}
		p.last = content
	}
	return p.last, nil
}

// newStatusContent renders a page.
func newStatusContent(page *monitorv1.GetStatusPageResponse, read time.Time, stale bool) (*statusContent, error) {
	html, err := renderStatusView(newStatusView(page, stale))
	if err != nil {
		return nil, err
	}
	loose, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(page)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer // protojson varies its white space
	if err := json.Compact(&compact, loose); err != nil {
		return nil, err
	}
	compact.WriteByte('\n')
	return &statusContent{page: page, read: read, stale: stale, html: html, json: compact.Bytes()}, nil
}
