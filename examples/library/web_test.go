package main

import (
	"bufio"
	"html"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hostileTitle is the title of a book that is HTML.
const hostileTitle = `<img src=x onerror="alert(1)"><script>alert(1)</script>"'&`

// A browser is a person's browser at the web page, without scripts.
type browser struct {
	page   string // the URL of the web page
	cookie string // "name=value" of the session; empty without
}

// An answer is what a browser gets.
type answer struct {
	*http.Response
	body string
}

// do sends a form, or a GET request for a nil one, with pairs of headers, and keeps the cookie.
func (b *browser) do(t *testing.T, path string, form url.Values, headers ...string) answer {
	t.Helper()
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	req, err := http.NewRequestWithContext(t.Context(), method, b.page+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.cookie != "" {
		req.Header.Set("Cookie", b.cookie)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range res.Cookies() {
		b.cookie = cookie.Name + "=" + cookie.Value
	}
	return answer{res, string(text)}
}

// expect checks the status and the Location of an answer.
func (a answer) expect(t *testing.T, status int, location string) {
	t.Helper()
	if got := a.Header.Get("Location"); a.StatusCode != status || !strings.HasPrefix(got, location) || location == "" && got != "" {
		t.Errorf("%s: %d, Location %q; want %d, %q\n%s", a.Request.URL.Path, a.StatusCode, got, status, location, a.body)
	}
}

// inPage are scripts and styles within a page whose attributes have no values, attributeValues those.
var (
	inPage          = regexp.MustCompile(`(?i)<script(>| [^>]*>[^<])|<style|<[^>]*\s(on[a-z]+|style)=`)
	attributeValues = regexp.MustCompile(`="[^"]*"`)
)

// checkPage checks what holds for every page.
func checkPage(t *testing.T, a answer, key string) {
	t.Helper()
	for header, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "same-origin",
		"Cache-Control":           "no-store",
	} {
		if got := a.Header.Get(header); got != want {
			t.Errorf("%s: %s is %q", a.Request.URL.Path, header, got)
		}
	}
	if found := inPage.FindString(attributeValues.ReplaceAllString(a.body, "=")); found != "" {
		t.Errorf("%s has %s", a.Request.URL.Path, found)
	}
	if key != "" && strings.Contains(a.body, key) {
		t.Errorf("%s has the key", a.Request.URL.Path)
	}
}

// signIn signs a person in, and returns the browser.
func (l *library) signIn(t *testing.T, page, who string) *browser {
	t.Helper()
	b := &browser{page: page}
	a := b.do(t, "/signin", url.Values{"key": {l.keys[who]}, "next": {"/books"}})
	a.expect(t, http.StatusSeeOther, "/books")
	return b
}

// startWeb starts the web page in a process of its own, and returns its URL.
func (l *library) startWeb(t *testing.T) (web *running, page string) {
	t.Helper()
	web = start(t, "--services=web", "--data="+l.data, "--nats-url="+l.nats, "--internal-key-file="+filepath.Join(l.data, "internal.key"), "--edge-url="+l.edge, "--web-addr=127.0.0.1:0")
	return web, "http://" + web.await(t, `listening service=web addr=(\S+)`)[1]
}

// TestWeb tests the web page by HTTP, in a process of its own.
func TestWeb(t *testing.T) {
	t.Parallel()
	l := startLibrary(t)
	web, page := l.startWeb(t)

	t.Run("signing in", func(t *testing.T) {
		b := &browser{page: page, cookie: "library_session=chosen"}
		b.do(t, "/mypage?page=1", nil).expect(t, http.StatusSeeOther, "/signin?next=%2Fmypage%3Fpage%3D1")
		b.do(t, "/books", url.Values{"title": {"Ulysses"}, "copies": {"1"}}).expect(t, http.StatusSeeOther, "/signin")
		for _, key := range []string{"", "wrong", "two words", "a\r\nb", "키", l.keys["mina"] + "x"} {
			a := b.do(t, "/signin", url.Values{"key": {key}})
			if a.StatusCode != http.StatusBadRequest && a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, "This key is not valid.") || len(a.Cookies()) > 0 {
				t.Errorf("key %q: %d, %v\n%s", key, a.StatusCode, a.Cookies(), a.body)
			}
			checkPage(t, a, l.keys["mina"])
		}
		for next, want := range map[string]string{"/mypage?page=1": "/mypage?page=1", "//evil.example": "/books", "https://evil.example/": "/books", `/\evil.example`: "/books", "": "/books"} {
			a := b.do(t, "/signin", url.Values{"key": {l.keys["mina"]}, "next": {next}})
			if got := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || got != want {
				t.Errorf("next %q leads to %q", next, got)
			}
			cookie := a.Header.Get("Set-Cookie")
			if !regexp.MustCompile(`^library_session=[A-Z2-7]{26}; Path=/; HttpOnly; SameSite=Strict$`).MatchString(cookie) {
				t.Errorf("the cookie is %q", cookie)
			}
		}
		old := *b
		b.do(t, "/signout", url.Values{}).expect(t, http.StatusSeeOther, "/signin")
		old.do(t, "/books", nil).expect(t, http.StatusSeeOther, "/signin")
	})

	t.Run("pages", func(t *testing.T) {
		mina, librarian := l.signIn(t, page, "mina"), l.signIn(t, page, "librarian")
		librarian.do(t, "/books", url.Values{"title": {hostileTitle}, "copies": {"3"}, "form": {"1"}}).expect(t, http.StatusSeeOther, "/books")
		a := mina.do(t, "/books", nil)
		if strings.Contains(a.body, hostileTitle) || !strings.Contains(html.UnescapeString(a.body), "<h2>"+hostileTitle+"</h2>") {
			t.Errorf("the title is not escaped:\n%s", a.body)
		}
		for _, path := range []string{"/books", "/books?query=%22%3E%3Cscript%3E", "/mypage", "/inbox", "/signin"} {
			a := mina.do(t, path, nil)
			a.expect(t, http.StatusOK, "")
			checkPage(t, a, l.keys["mina"])
		}
		for _, path := range []string{"/books", "/deliveries", "/deliveries?all"} {
			a := librarian.do(t, path, nil)
			a.expect(t, http.StatusOK, "")
			checkPage(t, a, l.keys["librarian"])
		}
	})

	t.Run("errors", func(t *testing.T) {
		mina, librarian := l.signIn(t, page, "mina"), l.signIn(t, page, "librarian")
		for _, c := range []struct {
			who    *browser
			path   string
			form   url.Values
			status int
			text   string
		}{
			{mina, "/books", url.Values{"title": {"Ulysses"}, "copies": {"1"}}, http.StatusForbidden, "You may not do this."},
			{mina, "/reservations", url.Values{"product": {"none"}}, http.StatusBadRequest, "This is not valid"},
			{mina, "/mypage", url.Values{"reservation": {"01890a5d-ac96-774b-bcce-b302099a8057"}}, http.StatusNotFound, "There is no such thing"},
			{mina, "/books?page=none", nil, http.StatusBadRequest, "This is not valid"},
			{mina, "/deliveries", url.Values{"delivery": {"01890a5d-ac96-774b-bcce-b302099a8057"}}, http.StatusForbidden, "You may not do this."},
			{librarian, "/books", url.Values{"title": {"Ulysses"}, "copies": {"many"}}, http.StatusBadRequest, "The number of copies is not valid."},
			{librarian, "/books", url.Values{"title": {""}, "copies": {"1"}}, http.StatusBadRequest, "This is not valid"},
		} {
			a := c.who.do(t, c.path, c.form)
			if a.StatusCode != c.status || !strings.Contains(a.body, `role="alert">`+c.text) {
				t.Errorf("%s %v: %d\n%s", c.path, c.form, a.StatusCode, a.body)
			}
			checkPage(t, a, "")
		}
	})

	t.Run("forms of other sites", func(t *testing.T) {
		mina := l.signIn(t, page, "mina")
		form := url.Values{"product": {l.book(t, "Emma").ID}, "form": {"2"}}
		for _, headers := range [][]string{
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
		} {
			mina.do(t, "/reservations", form, headers...).expect(t, http.StatusForbidden, "")
			mina.do(t, "/signin", url.Values{"key": {l.keys["jun"]}}, headers...).expect(t, http.StatusForbidden, "")
		}
		a := mina.do(t, "/mypage", nil)
		if !strings.Contains(a.body, `<p id="empty" class="empty">`) {
			t.Errorf("another site has reserved:\n%s", a.body)
		}
	})

	t.Run("a form that is sent twice", func(t *testing.T) {
		jun := l.signIn(t, page, "jun")
		form := url.Values{"product": {l.book(t, "Emma").ID}, "form": {"3"}}
		first, second := jun.do(t, "/reservations", form), jun.do(t, "/reservations", form)
		first.expect(t, http.StatusSeeOther, "/mypage/")
		second.expect(t, http.StatusSeeOther, first.Header.Get("Location"))
		id := strings.TrimPrefix(first.Header.Get("Location"), "/mypage/")
		l.awaitPage(t, "jun", id, "RESERVED HELD STARTED")
		jun.do(t, "/mypage/"+id, nil).expect(t, http.StatusSeeOther, "/mypage#r-"+id)
	})

	t.Run("a stream ends with the process", func(t *testing.T) {
		jun := l.signIn(t, page, "jun")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page+"/mypage/events", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Cookie", jun.cookie)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		var got strings.Builder
		for lines.Scan() && lines.Text() != "data: </li>" {
			got.WriteString(lines.Text() + "\n")
		}
		if !strings.Contains(got.String(), "data:   <h2>Emma</h2>") {
			t.Errorf("the stream has:\n%s", got.String())
		}
		begin := time.Now()
		web.signal(t, syscall.SIGTERM)
		<-web.ended
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("the process with a stream took %s to stop", took)
		}
	})
}
