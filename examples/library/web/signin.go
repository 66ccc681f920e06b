package web

import (
	"net/http"
	"net/url"
	"strings"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
)

// A signInPage is the data of the sign-in page.
type signInPage struct {
	Next string // the path to which it leads
}

func (h *handler) showSignIn(w http.ResponseWriter, r *http.Request) { h.renderSignIn(w, r, nil) }

func (h *handler) renderSignIn(w http.ResponseWriter, r *http.Request, failed error) {
	h.render(w, r, view{Name: "signin", Title: "Sign in", Data: signInPage{localPath(r.FormValue("next"))}}, failed)
}

// signIn starts a session with an API key that the edge accepts, with a new id.
func (h *handler) signIn(w http.ResponseWriter, r *http.Request) {
	key := strings.TrimSpace(r.PostFormValue("key"))
	if key == "" || strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' }) {
		h.renderSignIn(w, r, errForm("This key is not valid."))
		return
	}
	res, err := h.edge.access.GetCaller(withCaller(r.Context(), session{key: key}, r.RemoteAddr), &accessv1.GetCallerRequest{})
	if err != nil {
		h.renderSignIn(w, r, err)
		return
	}
	h.sessions.stop(r)
	h.setCookie(w, h.sessions.start(newSession(res, key)), 0)
	http.Redirect(w, r, localPath(r.PostFormValue("next")), http.StatusSeeOther) //nolint:gosec // localPath returns paths of this site only
}

// signOut ends a session.
func (h *handler) signOut(w http.ResponseWriter, r *http.Request) {
	h.sessions.stop(r)
	h.setCookie(w, "", -1)
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}

// setCookie sets the cookie of a session, or deletes it with a negative age. Other sites cannot make
// a browser send it, and scripts cannot read it.
func (h *handler) setCookie(w http.ResponseWriter, id string, age int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is set where people use HTTPS
		Name: sessionCookie, Value: id, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: h.secure,
	})
}

// localPath returns a path of this site, that of the books for anything else.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		return "/books"
	}
	return u.RequestURI()
}
