package web

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"connectrpc.com/connect"

	deliveryv1 "github.com/bongsu-project/bongsu/gen/go/library/delivery/v1"
	mypagev1 "github.com/bongsu-project/bongsu/gen/go/library/mypage/v1"
)

//go:embed templates
var templates embed.FS

// pages are the templates by their names, each within that of the layout.
var pages = parsePages("signin", "books", "mypage", "inbox", "deliveries", "error")

func parsePages(names ...string) map[string]*template.Template {
	functions := template.FuncMap{"state": stateText, "time": timeText}
	layout := template.Must(template.New("layout.html").Funcs(functions).ParseFS(templates, "templates/layout.html"))
	all := map[string]*template.Template{}
	for _, name := range names {
		all[name] = template.Must(template.Must(layout.Clone()).ParseFS(templates, "templates/"+name+".html"))
	}
	return all
}

// stateTexts are the states as people read them.
var stateTexts = map[any]string{
	mypagev1.EntryState_ENTRY_STATE_RESERVED:          "Reserved",
	mypagev1.EntryState_ENTRY_STATE_WAITING:           "Waiting for a copy",
	mypagev1.EntryState_ENTRY_STATE_HELD:              "A copy is held",
	mypagev1.EntryState_ENTRY_STATE_STARTED:           "On its way",
	mypagev1.EntryState_ENTRY_STATE_DELIVERED:         "Delivered",
	mypagev1.EntryState_ENTRY_STATE_CANCELED:          "Canceled",
	deliveryv1.DeliveryState_DELIVERY_STATE_STARTED:   "On its way",
	deliveryv1.DeliveryState_DELIVERY_STATE_DELIVERED: "Delivered",
	deliveryv1.DeliveryState_DELIVERY_STATE_CANCELED:  "Canceled",
}

// stateText returns the text of a state, Unknown for one of a later version.
func stateText(state any) string {
	if text := stateTexts[state]; text != "" {
		return text
	}
	return "Unknown"
}

// timeText returns a time as people read it.
func timeText(at interface{ AsTime() time.Time }) string {
	return at.AsTime().Format("2 January 2006, 15:04 UTC")
}

// A view is what a template shows.
type view struct {
	Name   string // of the template
	Title  string
	Person *caller // nil for nobody
	Failed string  // what has failed; empty for nothing
	Data   any
}

// A pageFunc serves a request of a person who has signed in. The text of its error is shown.
type pageFunc func(w http.ResponseWriter, r *http.Request) error

// signedIn returns the handler of a page. A person who has not signed in comes back after that.
func (h *handler) signedIn(serve pageFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one, ok := h.sessions.of(r)
		if !ok {
			h.askToSignIn(w, r)
			return
		}
		r = r.WithContext(withCaller(r.Context(), one, r.RemoteAddr))
		switch err := serve(w, r); {
		case connect.CodeOf(err) == connect.CodeUnauthenticated: // the key was revoked
			h.sessions.stop(r)
			h.askToSignIn(w, r)
		case err != nil:
			h.render(w, r, view{Name: "error", Title: "This did not work"}, err)
		}
	})
}

// askToSignIn redirects to the page for it, and from there to that of a GET request.
func (h *handler) askToSignIn(w http.ResponseWriter, r *http.Request) {
	query := url.Values{}
	if r.Method == http.MethodGet {
		query.Set("next", r.URL.RequestURI())
	}
	http.Redirect(w, r, "/signin?"+query.Encode(), http.StatusSeeOther)
}

// render writes a page. failed is what has failed before; nil for nothing.
func (h *handler) render(w http.ResponseWriter, r *http.Request, v view, failed error) {
	status := http.StatusOK
	if failed != nil {
		status, v.Failed = describe(failed)
		if status >= http.StatusInternalServerError {
			h.log.WarnContext(r.Context(), "page with an error", "path", r.URL.Path, "error", failed)
		}
	}
	v.Person = callerOf(r.Context())
	var page bytes.Buffer
	if err := pages[v.Name].Execute(&page, v); err != nil {
		h.log.ErrorContext(r.Context(), "page cannot be rendered", "page", v.Name, "error", err)
		http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // it fails only if the person has left
}

// An errForm is an error in a form, by its text.
type errForm string

// Error implements error.
func (e errForm) Error() string { return string(e) }

// describe returns the status and the text of an error for people.
func describe(err error) (status int, text string) {
	var form errForm
	var failed *connect.Error
	switch {
	case errors.As(err, &form):
		return http.StatusBadRequest, string(form)
	case !errors.As(err, &failed):
		return http.StatusInternalServerError, "Something went wrong here. Try again."
	case !connect.IsWireError(err): // by this process: its text is about addresses and connections
		return http.StatusBadGateway, "The library cannot be reached at the moment. Try again."
	}
	switch failed.Code() {
	case connect.CodeInvalidArgument:
		return http.StatusBadRequest, "This is not valid: " + failed.Message()
	case connect.CodeUnauthenticated:
		return http.StatusUnauthorized, "This key is not valid."
	case connect.CodePermissionDenied:
		return http.StatusForbidden, "You may not do this."
	case connect.CodeNotFound:
		return http.StatusNotFound, "There is no such thing: " + failed.Message()
	case connect.CodeAlreadyExists, connect.CodeAborted, connect.CodeFailedPrecondition:
		return http.StatusConflict, "This is not possible: " + failed.Message()
	case connect.CodeResourceExhausted:
		return http.StatusTooManyRequests, "These were too many requests. Try again in a while."
	case connect.CodeUnavailable:
		return http.StatusServiceUnavailable, "This is not possible at the moment: " + failed.Message()
	}
	return http.StatusBadGateway, "Something went wrong in the library. Try again."
}
