package httpx

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// A credentialForm is the form of a credential: the parameters of a template.
type credentialForm struct {
	params   []Param
	patterns []*regexp.Regexp // by parameter; nil accepts any value
}

func newCredentialForm(params []Param) (f credentialForm, err error) {
	if len(params) == 0 || len(params) > maxParams {
		return f, fmt.Errorf("params must be 1 to %d: an address must have a credential", maxParams)
	}
	seen, urls := map[string]bool{}, 0
	for _, p := range params {
		if !paramName.MatchString(p.Name) || seen[p.Name] {
			return f, errors.New("params must have names, each once: a lower-case letter, then letters, digits and _")
		}
		if seen[p.Name] = true; p.URL {
			urls++
		}
		pattern, err := compilePattern(p.Pattern)
		if err != nil {
			return f, fmt.Errorf("params: %s: %w", p.Name, err)
		}
		f.params, f.patterns = append(f.params, p), append(f.patterns, pattern)
	}
	if urls > 1 {
		return f, errors.New("params must have at most one with url: true")
	}
	return f, nil
}

// setting describes the credential of an address.
func (f credentialForm) setting() messenger.Setting {
	s := messenger.Setting{Label: "Credential", Secret: true, Check: messenger.CheckBy(f.parse)}
	var hints, names []string
	for _, p := range f.params {
		names = append(names, fmt.Sprintf(`%q:"…"`, p.Name))
		if p.Hint != "" {
			hints = append(hints, p.Name+": "+p.Hint)
		}
		if p.URL {
			s.URL = true
			s.URLOf = func(value string) string {
				params, err := f.parse(value)
				if err != nil {
					return ""
				}
				return params[p.Name]
			}
		}
	}
	if len(f.params) == 1 {
		if s.Hint = f.params[0].Hint; s.Hint == "" {
			s.Hint = f.params[0].Name
		}
		if s.URL {
			s.Label, s.URLOf = "URL", nil
		}
		return s
	}
	s.Label = "Parameters"
	s.Hint = "JSON: {" + strings.Join(names, ",") + "}"
	if len(hints) > 0 {
		s.Hint += "; " + strings.Join(hints, "; ")
	}
	return s
}

// parse returns the parameters of a credential. Its error does not quote it.
func (f credentialForm) parse(credential string) (map[string]string, error) {
	params := map[string]string{}
	if len(f.params) == 1 {
		params[f.params[0].Name] = credential
	} else if err := readStrict(credential, &params); err != nil || params == nil {
		return nil, errors.New("must be a JSON object of strings with " + f.names())
	}
	for i, p := range f.params {
		value, ok := params[p.Name]
		if !ok {
			return nil, f.invalid(p, "must be given")
		}
		if err := checkParam(value); err != nil {
			return nil, f.invalid(p, err.Error())
		}
		if p.URL {
			if err := messenger.CheckURL(value); err != nil || strings.Contains(value, "#") {
				return nil, f.invalid(p, "must be an absolute URL such as https://example.com/…")
			}
		}
		if pattern := f.patterns[i]; pattern != nil && !pattern.MatchString(value) {
			return nil, f.invalid(p, "must have the form: "+p.Hint)
		}
	}
	if len(params) != len(f.params) {
		return nil, errors.New("must have nothing but " + f.names())
	}
	return params, nil
}

// invalid returns the error for a parameter.
func (f credentialForm) invalid(p Param, text string) error {
	if len(f.params) == 1 {
		return errors.New(text)
	}
	return fmt.Errorf("%s: %s", p.Name, text)
}

func (f credentialForm) names() string {
	names := make([]string, len(f.params))
	for i, p := range f.params {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}

// secrets returns the secrets that a response must not contain.
func (f credentialForm) secrets(credential string, params map[string]string) []string {
	secrets := []string{credential}
	for _, p := range f.params {
		switch {
		case p.URL:
			secrets = append(secrets, call.URLSecrets(params[p.Name])...)
		case !p.Public:
			secrets = append(secrets, params[p.Name])
		}
	}
	return secrets
}

// maxParam is the maximum length of a parameter, in bytes.
const maxParam = 4_000

func checkParam(value string) error {
	if value == "" || len(value) > maxParam || !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("must have one line of text")
	}
	return nil
}

// readStrict decodes one JSON value. Unknown fields are errors.
func readStrict(text string, into any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}
