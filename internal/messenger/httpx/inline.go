package httpx

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// Inline is the messenger httpx: the credential of an address holds the request.
type Inline struct{ endpoint call.Endpoint }

var _ messenger.Messenger = Inline{}

// NewInline returns a messenger that calls by an endpoint.
func NewInline(e call.Endpoint) Inline { return Inline{endpoint: e.ForUserURL()} }

// An inlineRequest is a parsed credential of httpx.
type inlineRequest struct {
	Request
	// Params are values for the templates. Evidence shows none of them.
	Params map[string]string `json:"params"`
}

// Spec describes an address.
func (Inline) Spec() messenger.Spec {
	return messenger.Spec{
		Name:  "httpx",
		Title: "HTTP request by template",
		Credential: messenger.Setting{
			Label: "Request",
			Hint: `JSON: {"url":"https://example.com/send","headers":{"Authorization":"Bearer TOKEN"},"body":"{\"to\":{{json .Destination}},\"text\":{{json .Text}}}"}; ` +
				"all fields are in docs/messengers.md",
			Secret: true,
			Check:  checkInline,
			URL:    true,
			URLOf: func(value string) string {
				p, err := parseInline(value)
				if err != nil {
					return value // Check describes the error
				}
				return p.request.origin.String()
			},
		},
		Destination: messenger.Setting{
			Label:    "Destination",
			Hint:     "inserted in the request as .Destination; a label if the request has none",
			Optional: true,
		},
	}
}

// A parsedInline is a valid credential.
type parsedInline struct {
	inlineRequest
	request *request
}

// parseInline parses a credential. Its errors do not quote it.
func parseInline(credential string) (p parsedInline, err error) {
	if err := readStrict(credential, &p.inlineRequest); err != nil {
		return p, errors.New("must be a JSON object with url and, optionally, method, headers, body, sign, text, success, failures, code and params; see docs/messengers.md")
	}
	for name, value := range p.Params {
		if !paramName.MatchString(name) || checkParam(value) != nil || len(p.Params) > maxParams {
			return p, errors.New("must have params with names of lower-case letters, digits and _, and values of one line")
		}
	}
	if p.request, err = compile(p.Request, p.params()); err != nil {
		return p, errors.New("must have a valid request: " + withoutQuotes(err))
	}
	return p, nil
}

// params returns the parameters by name.
func (p parsedInline) params() []Param {
	var params []Param
	for _, name := range slices.Sorted(maps.Keys(p.Params)) {
		params = append(params, Param{Name: name})
	}
	return params
}

// checkInline validates a credential, and renders it for the examples of an alert.
func checkInline(credential string) error {
	p, err := parseInline(credential)
	if err != nil {
		return err
	}
	if err := p.request.try(p.params(), false); err != nil {
		return errors.New("must have a valid request: " + withoutQuotes(err))
	}
	return nil
}

// withoutQuotes returns the text of an error up to what it may quote of a template: errors
// of templates follow the name of the field.
func withoutQuotes(err error) string {
	text := err.Error()
	for _, quoting := range []string{": parse template", ": execute template", ": template"} {
		if field, _, found := strings.Cut(text, quoting); found {
			return field + ": invalid template"
		}
	}
	return text
}

// Send sends the request of the credential.
func (i Inline) Send(ctx context.Context, message messenger.Message) messenger.Outcome {
	p, err := parseInline(message.Credential)
	if err != nil {
		return call.BadCredential(err)
	}
	made, err := p.request.render(message, p.Params, i.endpoint.Now())
	if err != nil {
		return call.Redact(notRendered(err, withoutQuotes(err)), message.Credential)
	}
	return p.request.send(ctx, i.endpoint, made, p.secrets(message.Credential, made))
}

// secrets returns the secrets that a response must not contain: besides those of the
// rendered request, the parameters and the keys in the URL. Secrets in the body must be
// parameters.
func (p parsedInline) secrets(credential string, made rendered) []string {
	secrets := append([]string{credential}, made.secrets...)
	for _, value := range p.Params {
		secrets = append(secrets, value)
	}
	return append(secrets, call.URLSecrets(made.address)...)
}
