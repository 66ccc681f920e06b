// Package httpx calls any HTTP API by a template of its request: method, URL, headers,
// body, and a signature. The same template has the rules that make an outcome of the
// response.
//
// A template is a preset, whose file has the facts about its provider; or an operator's,
// in the file of --messenger-config; or part of an address, as the credential of the
// messenger httpx. The parameters of an address, and so its secret headers, are in its
// credential, which is sealed.
//
// Limits: those of a preset are in its file. Others have none of their own.
//
// Outcomes: by the rules of the template. Without a rule every 2xx is Sent; 404 and 410
// are about the destination, and after a 410 the URL is not called again; 401 and 403 are
// about the credential. A 429 is always a pause, with the Retry-After of the response. A
// 2xx that the rule of success does not confirm is Unknown.
package httpx

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/texttemplate"
)

// Messenger is the messenger of one template.
type Messenger struct {
	endpoint    call.Endpoint
	spec        messenger.Spec
	credentials credentialForm
	destination *regexp.Regexp // nil accepts any
	request     *request
}

var _ messenger.Messenger = Messenger{}

// messengerName matches the name of a messenger, as messenger.Spec describes it.
var messengerName = regexp.MustCompile(`^[a-z0-9]{1,10}$`)

// New returns the messenger of a template. It returns an error that names the invalid
// field of the template. It sends to two examples of an alert, without calls: a template
// that cannot be rendered is invalid.
func New(e call.Endpoint, of Named) (Messenger, error) {
	m, err := build(e, of)
	if err != nil {
		return Messenger{}, err
	}
	return m, m.request.try(of.Params, of.Destination.Pattern != "")
}

// build is New without the examples.
func build(e call.Endpoint, of Named) (Messenger, error) {
	if !messengerName.MatchString(of.Name) {
		return Messenger{}, errors.New("the name of a messenger must have 1 to 10 of a-z and 0-9")
	}
	form, err := newCredentialForm(of.Params)
	if err != nil {
		return Messenger{}, err
	}
	r, err := compile(of.Request, of.Params)
	if err != nil {
		return Messenger{}, err
	}
	r.costly = of.Costly
	m := Messenger{endpoint: e, credentials: form, request: r}
	if m.destination, err = compilePattern(of.Destination.Pattern); err != nil {
		return Messenger{}, fmt.Errorf("destination: %w", err)
	}
	m.spec = messenger.Spec{
		Name:        of.Name,
		Title:       of.Title,
		Credential:  form.setting(),
		Destination: m.destinationSetting(of),
		Costly:      of.Costly,
		Idempotent:  of.Idempotent,
		Limits:      of.limits,
	}
	if m.spec.Title == "" {
		m.spec.Title = of.Name
	}
	if m.spec.Credential.URL {
		m.endpoint = e.ForUserURL()
	}
	return m, nil
}

// destinationSetting describes the destination of an address.
func (m Messenger) destinationSetting(of Named) messenger.Setting {
	uses := slices.ContainsFunc(valuesOf(m.request.texts()), func(text string) bool { return strings.Contains(text, ".Destination") })
	s := messenger.Setting{Label: of.Destination.Label, Hint: of.Destination.Hint, Optional: !of.Destination.Required}
	switch {
	case s.Label != "":
	case uses:
		s.Label = "Destination"
	default:
		s.Label = "Label"
	}
	switch {
	case s.Hint != "":
	case uses:
		s.Hint = "part of the request"
	default:
		s.Hint = "a label, such as #ops; it is not sent"
	}
	if m.destination != nil {
		s.Check = func(value string) error {
			if !m.destination.MatchString(value) {
				return errors.New("must have the form of the destination: " + s.Hint)
			}
			return nil
		}
	}
	return s
}

// Spec describes an address.
func (m Messenger) Spec() messenger.Spec { return m.spec }

// Send sends the request of the template.
func (m Messenger) Send(ctx context.Context, message messenger.Message) messenger.Outcome {
	params, err := m.credentials.parse(message.Credential)
	if err != nil {
		return call.BadCredential(err)
	}
	secrets := m.credentials.secrets(message.Credential, params)
	made, err := m.request.render(message, params, m.endpoint.Now())
	if err != nil {
		return call.Redact(notRendered(err, err.Error()), secrets...)
	}
	return m.request.send(ctx, m.endpoint, made, append(secrets, made.secrets...))
}

// send makes the call of a rendered request, and returns its outcome.
func (r *request) send(ctx context.Context, e call.Endpoint, made rendered, secrets []string) messenger.Outcome {
	res := e.Call(ctx, r.method, made.address, made.body, made.header)
	o := call.Redact(r.rule.outcome(res, e.Outcome(res)), secrets...)
	o.Truncated = made.cut
	return o
}

// notRendered returns the outcome without a call because the template fails for the
// message. A timeout may pass.
func notRendered(err error, why string) messenger.Outcome {
	if errors.Is(err, texttemplate.ErrTimeout) {
		return messenger.Outcome{Kind: messenger.Retry, Code: "template_timeout", Excerpt: "not called: " + why}
	}
	return messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "template_error", Excerpt: "not called: " + why}
}

// try renders the request for examples of an alert.
func (r *request) try(params []Param, fixedDestination bool) error {
	values := map[string]string{}
	for _, p := range params {
		values[p.Name] = "EXAMPLE"
		if p.URL {
			values[p.Name] = "https://example.com/EXAMPLE"
		}
	}
	quoted := "the \"disk\"\nof db_1 is full\\ <&>"
	full := messenger.Message{
		DeliveryID: 1, Text: quoted, Severity: "critical", Title: quoted, Link: "https://example.com/?a=b", AlertKey: "db1", Incident: 1,
		AckURL:  "https://example.com/ack?t=a",
		Details: []messenger.Detail{{Name: quoted, Value: quoted}}, Time: time.Unix(0, 0), Destination: "a b/c?d=\"e\"",
	}
	plain := messenger.Message{DeliveryID: 1, Text: quoted, Severity: "normal", Time: time.Unix(0, 0), Destination: "ops"}
	if fixedDestination { // any value that its pattern accepts has some length
		full.Destination, plain.Destination = "+821012345678", "+821012345678"
	}
	for _, m := range []messenger.Message{full, plain} {
		if _, err := r.render(m, values, m.Time); err != nil {
			return fmt.Errorf("with the example of an alert: %w", err)
		}
	}
	return nil
}

// compilePattern compiles the regular expression of a whole value; nil if it is empty.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, nil //nolint:nilnil // no pattern is a valid setting
	}
	compiled, err := regexp.Compile(`^(?:` + pattern + `)$`)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	return compiled, nil
}

func valuesOf(texts map[string]string) []string {
	all := make([]string, 0, len(texts))
	for _, text := range texts {
		all = append(all, text)
	}
	return all
}
