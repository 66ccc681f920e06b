package httpx

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/kit/redact"
	"github.com/bongsu-project/bongsu/kit/texttemplate"
	"github.com/bongsu-project/bongsu/services/mockup"
)

// means are the statuses of every template whose scope differs from that of the status.
var means = map[int]call.Classification{404: call.DestinationFailed, 410: call.DestinationFailed}

// inlineCredential returns a credential of httpx.
func inlineCredential(t testing.TB, change func(map[string]any)) string {
	t.Helper()
	request := map[string]any{
		"url":     "https://chat.example.com/hooks/1/SECRET-abcdefghij",
		"headers": map[string]string{"X-Api-Key": "SECRET-key", "Authorization": "Bearer {{.Param.token}}"},
		"body":    `{"text":{{json .Text}}}`,
		"success": map[string]any{"path": "$.success", "equals": "true", "id": "$.id"},
		"params":  map[string]string{"token": "SECRET-token"},
	}
	if change != nil {
		change(request)
	}
	text, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func inlineSample(t testing.TB) messengertest.Sample {
	return messengertest.Sample{
		New:       messengertest.Maker(NewInline),
		Message:   messenger.Message{DeliveryID: 7, Credential: inlineCredential(t, nil), Text: "[normal] node1 down"},
		Sent:      `{"success":true,"id":"m1"}`,
		MessageID: "m1",
		Refused:   `{"success":false,"error":"no"}`,
		Means:     means,
		Shown:     messengertest.Markup{Plain: []string{`{"text":"` + messengertest.MarkupText + `"}`}},
	}
}

func TestInlinePromises(t *testing.T) { messengertest.Run(t, inlineSample(t)) }

func TestInlineFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), inlineSample(t)) }

func TestInlineRequest(t *testing.T) {
	s := inlineSample(t)
	for name, change := range map[string]func(map[string]any){
		"plain": nil,
		"get": func(r map[string]any) {
			r["method"], r["url"] = "GET", "https://sms.example.com/send?key={{urlquery .Param.token}}&to={{urlquery .Destination}}&text={{urlquery .Text}}"
			delete(r, "body")
		},
		"form": func(r map[string]any) {
			r["method"] = "PUT"
			r["headers"] = map[string]string{"content-type": "application/x-www-form-urlencoded"}
			r["body"] = "to={{urlquery .Destination}}&text={{urlquery .PlainText}}"
		},
		"signed": func(r map[string]any) {
			r["url"] = "https://api.example.com/rooms/{{urlpath .Destination}}/messages?v=1"
			r["headers"] = map[string]string{"X-Time": "{{.Seconds}}", "X-Signature": "v1={{.Signature}}", "Idempotency-Key": "{{.IdempotencyKey}}"}
			r["sign"] = map[string]string{"key": "{{.Param.token}}", "text": "{{.Method}}{{.RequestURI}}{{.Seconds}}{{.Body}}", "encoding": "hex"}
		},
		"details": func(r map[string]any) {
			r["body"] = `{"severity":{{json .Severity}},"title":{{json .Title}},"link":{{json .Link}},"time":{{json .Time}},"id":{{.DeliveryID}},` +
				`"details":[{{range $i, $d := .Details}}{{if $i}},{{end}}{{json $d.Name}},{{json $d.Value}}{{end}}]}`
		},
	} {
		m := messengertest.FullMessage(inlineCredential(t, change), "room 1/a")
		messengertest.Golden(t, "httpx/"+name, messengertest.Request(t, s, m, false))
	}
}

// TestInlineIsRedacted has an API repeat the whole request in its response.
func TestInlineIsRedacted(t *testing.T) {
	base := messengertest.Provider(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, messengertest.Echo(r))
	})
	for name, change := range map[string]func(map[string]any){
		"header": nil,
		"mixed":  func(r map[string]any) { r["headers"] = map[string]string{"Cookie": "a=SECRET-x{{.DeliveryID}}"} },
		"query":  func(r map[string]any) { r["url"] = "https://x.example.com/?key=SECRET-y&to={{urlquery .Destination}}" },
		"body":   func(r map[string]any) { r["body"] = `{"key":{{json .Param.token}},"text":{{json .Text}}}` },
		"signature": func(r map[string]any) {
			r["sign"] = map[string]string{"key": "SECRET-key", "text": "SECRET-text"}
			r["headers"] = map[string]string{"X-Signature": "{{.Signature}}"}
		},
	} {
		s := inlineSample(t)
		m := s.Message
		m.Credential = inlineCredential(t, change)
		if o := messengertest.Send(t.Context(), t, s.At(t, base), m); o.Kind != messenger.Failed || !strings.Contains(o.Excerpt, redact.Placeholder) {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

func TestInlineSettings(t *testing.T) {
	spec := Inline{}.Spec()
	with := func(change func(map[string]any)) string { return inlineCredential(t, change) }
	set := func(key string, value any) string {
		return with(func(r map[string]any) { r[key] = value })
	}
	messengertest.CheckSetting(t, spec.Credential, map[string]bool{
		with(nil): true, set("method", "PUT"): true, set("text", map[string]any{"limit": 100, "unit": "bytes", "escape": "*_"}): true,
		`{"url":"https://example.com/"}`: true, `{"url":"https://example.com"}`: true, `{"url":"https://example.com?a={{urlquery .Text}}"}`: true,
		"": false, "https://example.com/hook": false, "{}": false, "[]": false, `{"url":"https://example.com/"} x`: false, `{"url":"https://example.com/"}{}`: false,
		set("color", "red"): false, set("url", "http://example.com/"): false, set("url", "example.com"): false, set("url", "https://user:pass@example.com/"): false,
		set("url", "https://{{.Destination}}/"): false, set("url", "https://example.com{{.Destination}}"): false, set("url", "https://example.{{.Destination}}/"): false,
		set("url", "{{.Destination}}"): false, set("url", "{{.Param.token}}"): false, set("url", "https://example.com:{{.Destination}}/"): false,
		set("url", "https://example.com/{{.Destination}}"): false, set("url", "https://example.com/{{urlpath .Destination}}"): true,
		set("url", "https://example.com/#{{.Destination}}"): false, set("url", `https://example.com\{{.Destination}}/`): false,
		set("method", "DELETE"): false, set("method", "post"): false, set("method", "GET"): false, set("method", "CONNECT"): false,
		set("headers", map[string]string{"Host": "a"}): false, set("headers", map[string]string{"content-length": "1"}): false, set("headers", map[string]string{"Proxy-Authorization": "a"}): false,
		set("headers", map[string]string{"X Y": "a"}): false, set("headers", map[string]string{"X-A": "a", "x-a": "b"}): false, set("headers", map[string]string{"X-A": "a\r\nHost: b"}): false,
		set("headers", map[string]string{"X-A": "{{.Text}}"}): false, set("headers", map[string]string{"X-A": "{{.Param.other}}"}): false, set("headers", map[string]string{"X-A": "{{.Nothing}}"}): false,
		set("body", `{"text":"{{.Text}}"}`): false, set("body", `{"text":{{json .Text}`): false, set("body", `{{define "x"}}{{end}}`): false, set("body", `{{`): false,
		set("sign", map[string]string{"key": "a"}): false, set("sign", map[string]string{"key": "a", "text": "b", "encoding": "rot13"}): false,
		set("text", map[string]any{"limit": 40_000}): false, set("text", map[string]any{"unit": "words"}): false, set("text", map[string]any{"escape": "a"}): false, set("text", map[string]any{"limit": -1}): false,
		set("success", map[string]any{"path": "success"}): false, set("success", map[string]any{"path": "$..success"}): false, set("success", map[string]any{"path": "$.a[*]"}): false,
		set("success", map[string]any{"equals": "true"}): false, set("success", map[string]any{"status": []int{404}}): false, set("success", map[string]any{"id": "$["}): false,
		set("code", "$.*"): false, set("failures", []any{map[string]any{"means": "retry"}}): false, set("failures", []any{map[string]any{"status": []int{400}, "means": "sent"}}): false,
		set("failures", []any{map[string]any{"status": []int{400}, "equals": []string{"a"}, "means": "retry"}}): false, set("failures", []any{map[string]any{"status": []int{100}, "means": "retry"}}): false,
		set("failures", []any{map[string]any{"path": "$[", "means": "retry"}}): false, set("failures", []any{map[string]any{"path": "$.a", "means": "retry"}}): true,
		set("params", map[string]string{"token": ""}): false, set("params", map[string]string{"Token": "a", "token": "b"}): false, set("params", map[string]string{"token": "a\nb"}): false,
	})
	messengertest.CheckSetting(t, spec.Destination, map[string]bool{"": true, "+821012345678": true})
	if err := spec.Credential.Validate(`{"url":"http://10.0.0.1/"}`, true); err != nil {
		t.Errorf("http is allowed: %v", err)
	}
	if o := (Inline{}).Send(t.Context(), messenger.Message{Credential: "{}", Text: "x"}); o.Code != "invalid_credential" || o.Scope != messenger.CredentialScope {
		t.Errorf("%+v", o)
	}
}

// TestInlineErrorsQuoteNothing verifies that errors for a credential do not quote it.
func TestInlineErrorsQuoteNothing(t *testing.T) {
	for _, credential := range []string{
		`{"url":"https://example.com/SECRET{{"}`, `{"url":"https://example.com/","body":"{{SECRET}}"}`, `{"url":"https://example.com/","headers":{"X":"{{.SECRET}}"}}`,
		`{"url":"https://example.com/","SECRET":1}`, `{"url":"SECRET"}`, `SECRET`, `{"url":"https://example.com/","body":"SECRET{{.Text.SECRET}}"}`,
		`{"url":"https://example.com/","body":"{{template \"SECRET\"}}"}`, `{"url":"https://example.com/","body":"{{printf \"SECRET%d\" .}}{{index .Param \"SECRET\" 1}}"}`,
	} {
		if err := checkInline(credential); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", credential, err)
		}
	}
}

// TestUserValuesKeepTheHost renders URLs with hostile values.
func TestUserValuesKeepTheHost(t *testing.T) {
	var calls atomic.Int32
	client := messengertest.NewClient(t)
	client.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if calls.Add(1); r.URL.Host != "api.example.com" {
			t.Errorf("called %s", r.URL)
		}
		return nil, io.ErrUnexpectedEOF
	})
	credential := `{"url":"https://api.example.com/{{.Destination}}"}`
	i := NewInline(call.Endpoint{Client: client, Now: time.Now})
	for destination, called := range map[string]bool{
		"a": true, "../../x": true, "?x=y": true, "/@evil.example.com/": true, "//evil.example.com": true,
		"a b": false, "a\nb": false, "%zz": false, "#x": true,
	} {
		calls.Store(0)
		o := i.Send(t.Context(), messenger.Message{Credential: credential, Destination: destination, Text: "x"})
		if (calls.Load() == 1) != called || !called && (o.Kind != messenger.Failed || o.Code != "template_error") {
			t.Errorf("%q: %d calls, %+v", destination, calls.Load(), o)
		}
	}
}

// roundTrip is a transport by a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestRepeatsNoRequest loses a reused connection: net/http must not repeat a GET, nor a
// POST with an idempotency key, since the first may have sent the message.
func TestRepeatsNoRequest(t *testing.T) {
	for method, change := range map[string]func(map[string]any){
		"GET": func(r map[string]any) {
			r["method"] = "GET"
			delete(r, "body")
		},
		"POST": func(r map[string]any) { r["headers"] = map[string]string{"Idempotency-Key": "{{.IdempotencyKey}}"} },
	} {
		t.Run(method, func(t *testing.T) {
			var calls atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if calls.Add(1) > 1 {
					panic(http.ErrAbortHandler)
				}
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(w, `{"success":true}`)
			}))
			t.Cleanup(server.Close)
			s := inlineSample(t)
			m := s.Message
			m.Credential = inlineCredential(t, change)
			i := s.At(t, server.URL)
			first, second := messengertest.Send(t.Context(), t, i, m), messengertest.Send(t.Context(), t, i, m)
			if first.Kind != messenger.Sent || second.Kind != messenger.Unknown || calls.Load() != 2 {
				t.Errorf("%d calls: %+v, %+v", calls.Load(), first, second)
			}
		})
	}
}

// TestTextIsCut cuts texts by each unit, and notes it only if the request has the text.
func TestTextIsCut(t *testing.T) {
	s := inlineSample(t)
	for name, c := range map[string]struct {
		text Text
		body string
		sent string // the text in the request
		cut  bool
	}{
		"characters":       {Text{Limit: 5}, `{"text":{{json .Text}}}`, `"봉수봉수…"`, true},
		"bytes":            {Text{Limit: 10, Unit: "bytes"}, `{"text":{{json .Text}}}`, `"봉수…"`, true},
		"not in the body":  {Text{Limit: 5}, `{"text":{{json .Severity}}}`, `"normal"`, false},
		"escapes count":    {Text{Limit: 12, Escape: "_"}, `{"text":{{json .Title}}}`, `"a\\_b\\_c\\_d…"`, true},
		"long enough":      {Text{Limit: 12}, `{"text":{{json .Title}}}`, `"a_b_c_d_e_f"`, false},
		"details are left": {Text{Limit: 5}, `{"text":"{{range .Details}}{{.Name}}{{end}}"}`, `"n"`, true},
	} {
		m := messengertest.PlainMessage("", "")
		m.Text, m.Title = strings.Repeat("봉수", 10), "a_b_c_d_e_f"
		m.Details = []messenger.Detail{{Name: "n", Value: "v"}, {Name: "long", Value: "longer"}}
		m.Credential = inlineCredential(t, func(r map[string]any) { r["text"], r["body"] = c.text, c.body })
		if got := string(messengertest.Request(t, s, m, c.cut)); !strings.Contains(got, `{"text":`+c.sent+`}`) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestURLsAreNotEscaped keeps links usable.
func TestURLsAreNotEscaped(t *testing.T) {
	text := Text{Escape: "_*\\"}
	for in, want := range map[string]string{
		"a_b https://x.example/a_b c_d": `a\_b https://x.example/a_b c\_d`, "": "", "_": `\_`, "\n_ ": "\n" + `\_ `,
		`a\b`: `a\\b`, "봉_수\u3000_": "봉\\_수\u3000\\_", "http://a_b": "http://a_b",
	} {
		if got := text.escape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := func() Named {
		return Named{Name: "gateway", Template: Template{
			Params:  []Param{{Name: "token"}},
			Request: Request{URL: "https://example.com/", Headers: map[string]string{"Authorization": "Bearer {{.Param.token}}"}, Body: `{"text":{{json .Text}}}`},
		}}
	}
	m, err := New(call.Endpoint{}, good())
	if err != nil {
		t.Fatal(err)
	}
	if s := m.Spec(); s.Title != "gateway" || s.Credential.URL || s.Credential.Hint != "token" || !s.Destination.Optional || s.Costly {
		t.Errorf("%+v", s)
	}
	for want, change := range map[string]func(*Named){
		"name of a messenger": func(n *Named) { n.Name = "SMS gateway" },
		"params must be 1":    func(n *Named) { n.Params = nil },
		"params must have names": func(n *Named) {
			n.Params = append(n.Params, Param{Name: "token"})
		},
		"at most one with url": func(n *Named) {
			n.Params = append(n.Params, Param{Name: "a", URL: true}, Param{Name: "b", URL: true})
		},
		"params: token: pattern": func(n *Named) { n.Params[0].Pattern = "(" },
		"destination: pattern":   func(n *Named) { n.Destination.Pattern = "(" },
		"which is not in params": func(n *Named) { n.Body = `{"text":{{json .Param.key}}}` },
		"with url: true":         func(n *Named) { n.URL = "{{.Param.token}}/send" },
		"body is not JSON":       func(n *Named) { n.Body = `{"text":"{{.Text}}"}` },
		"headers: X-A":           func(n *Named) { n.Headers["X-A"] = "{{.Text}}" },
		"success: path":          func(n *Named) { n.Success.Path = "ok" },
		"failures: 1: means":     func(n *Named) { n.Failures = []Failure{{Status: []int{400}, Means: "sent"}} },
	} {
		n := good()
		change(&n)
		if _, err := New(call.Endpoint{}, n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// TestParams checks credentials of several parameters.
func TestParams(t *testing.T) {
	_, err := New(call.Endpoint{}, Named{Name: "gateway", Template: Template{
		Params: []Param{{Name: "base", URL: true, Hint: "of your server"}, {Name: "key", Pattern: "[a-z]+", Hint: "letters"}, {Name: "room", Public: true}},
		Request: Request{
			URL: "{{.Param.base}}/rooms/{{urlpath .Param.room}}", Headers: map[string]string{"X-Key": "{{.Param.key}}"}, Body: "{{.Text}}",
		},
	}})
	if err == nil || !strings.Contains(err.Error(), "body is not JSON") {
		t.Errorf("%v", err)
	}
	m, err := New(call.Endpoint{}, Named{Name: "gateway", Template: Template{
		Params: []Param{{Name: "base", URL: true, Hint: "of your server"}, {Name: "key", Pattern: "[a-z]+", Hint: "letters"}, {Name: "room", Public: true}},
		Request: Request{
			URL: "{{.Param.base}}/rooms/{{urlpath .Param.room}}", Headers: map[string]string{"X-Key": "{{.Param.key}}", "Content-Type": "text/plain"}, Body: "{{.Text}}",
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if hint := m.Spec().Credential.Hint; hint != `JSON: {"base":"…","key":"…","room":"…"}; base: of your server; key: letters` {
		t.Error(hint)
	}
	messengertest.CheckSetting(t, m.Spec().Credential, map[string]bool{
		`{"base":"https://chat.example.com","key":"abc","room":"1"}`:         true,
		`{"base":"http://chat.example.com","key":"abc","room":"1"}`:          false,
		`{"base":"chat.example.com","key":"abc","room":"1"}`:                 false,
		`{"base":"https://chat.example.com#x","key":"abc","room":"1"}`:       false,
		`{"base":"https://chat.example.com","key":"ABC","room":"1"}`:         false,
		`{"base":"https://chat.example.com","key":"abc"}`:                    false,
		`{"base":"https://chat.example.com","key":"abc","room":1}`:           false,
		`{"base":"https://chat.example.com","key":"abc","room":"1","x":"y"}`: false,
		`{"base":"https://chat.example.com","key":"abc","room":"a\nb"}`:      false,
		"https://chat.example.com":                                           false, "null": false, "": false,
	})
}

// TestTemplateFails sends a message for which the template fails.
func TestTemplateFails(t *testing.T) {
	s := inlineSample(t)
	m := s.Message
	m.Credential = inlineCredential(t, func(r map[string]any) {
		r["body"] = `{"text":{{json .Text}}{{if eq .Severity "high"}}oops{{end}}}`
	})
	m.Severity = "high"
	o := messengertest.Send(t.Context(), t, s.At(t, "http://127.0.0.1:1"), m)
	if o.Kind != messenger.Failed || o.Scope != messenger.MessageScope || o.Code != "template_error" || !strings.Contains(o.Excerpt, "body is not JSON") {
		t.Errorf("%+v", o)
	}
}

// TestTemplateTimeout retries a message whose template had no time: the process may have
// had none.
func TestTemplateTimeout(t *testing.T) {
	late := fmt.Errorf("body: %w", texttemplate.ErrTimeout)
	if o := notRendered(late, late.Error()); o.Kind != messenger.Retry || o.Code != "template_timeout" || o.Scope != messenger.NoScope {
		t.Errorf("%+v", o)
	}
}

// TestIncident verifies the fields of an incident, and that a long text does not cut the page
// of acknowledgment, which evidence does not show.
func TestIncident(t *testing.T) {
	s := inlineSample(t)
	s.Message.Credential = inlineCredential(t, func(r map[string]any) {
		r["body"] = `{"incident":{{json .Incident}},"key":{{json .Key}},"status":{{json .Status}},"ack":{{json .AckURL}},"text":{{json .PlainText}}}`
		r["text"] = map[string]any{"limit": 200, "escape": "_-"}
	})
	for i, m := range messengertest.IncidentMessages(s.Message.Credential, "") {
		messengertest.Golden(t, fmt.Sprintf("httpx/incident_%d_%s", i, m.Status()), messengertest.Request(t, s, m, false))
	}
	m := messengertest.IncidentMessages(s.Message.Credential, "")[0]
	m.Text = strings.Repeat("봉", 1_000)
	base := messengertest.Provider(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Text string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || !strings.HasSuffix(body.Text, "…\n\nAcknowledge: "+messengertest.AckURL) || utf8.RuneCountInString(body.Text) > 200 {
			t.Errorf("%s, %v", body.Text, err)
		}
		_, _ = io.WriteString(w, `{"success":true,"id":"m1","text":`+string(call.JSON(body.Text))+`}`)
	})
	if o := messengertest.Send(t.Context(), t, s.At(t, base), m); o.Kind != messenger.Sent || !o.Truncated {
		t.Errorf("%+v", o)
	}
	m.AckURL = "https://bongsu.example/" + strings.Repeat("x", 200) // leaves no text
	messengertest.Golden(t, "httpx/incident_long", messengertest.Request(t, s, m, true))
}

// FuzzInline parses credentials and renders requests: nothing panics, and the host stays.
func FuzzInline(f *testing.F) {
	f.Add(inlineCredential(f, nil), "room", "hello")
	f.Add(`{"url":"https://example.com/{{.Destination}}","method":"GET"}`, "//evil.example", "")
	f.Add(`{"url":"https://example.com/","body":"{{range .Details}}{{.Name}}{{end}}","headers":{"Content-Type":"text/plain"}}`, "", "\x00\xff")
	f.Add(`{"url":"https://example.com/","sign":{"key":"a","text":"{{.Body}}"},"success":{"path":"$.a[0]['b']"}}`, "a", "b")
	f.Add(`{"url":"https://example.com@evil.example/"}`, "", "")
	f.Fuzz(func(t *testing.T, credential, destination, text string) {
		p, err := parseInline(credential)
		if err != nil {
			return
		}
		_ = checkInline(credential)
		m := messengertest.FullMessage(credential, destination)
		m.Text = text
		made, err := p.request.render(m, p.Params, messengertest.Noon)
		if err != nil {
			return
		}
		if !strings.HasPrefix(made.address, p.request.origin.Scheme+"://"+p.request.origin.Host) {
			t.Errorf("%s calls %s", credential, made.address)
		}
		for _, name := range slices.Sorted(maps.Keys(made.header)) {
			if strings.ContainsAny(made.header.Get(name), "\r\n\x00") {
				t.Errorf("header %q", made.header[name])
			}
		}
	})
}
