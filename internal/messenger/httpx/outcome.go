package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/theory/jsonpath"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// An outcomeRule is the compiled meaning of responses. Its zero value accepts every 2xx.
type outcomeRule struct {
	success  Success
	path, id *jsonpath.Path
	failures []failureRule
	code     *jsonpath.Path
}

type failureRule struct {
	Failure
	path  *jsonpath.Path
	means call.Classification
}

// meanings are the values of Failure.Means.
var meanings = map[string]call.Classification{
	"retry":       call.Retry,
	"pause":       call.Paused,
	"message":     call.MessageFailed,
	"destination": call.DestinationFailed,
	"credential":  call.CredentialFailed,
	"unknown":     call.Unknown,
}

// compileOutcome validates the rules of a Request.
func compileOutcome(of Request) (r outcomeRule, err error) {
	r.success = of.Success
	if err := checkStatuses(of.Success.Status, 200, 299); err != nil {
		return r, fmt.Errorf("success: status %w", err)
	}
	if of.Success.Path == "" && of.Success.Equals != "" {
		return r, errors.New("success: equals needs a path")
	}
	if r.path, err = parsePath(of.Success.Path); err != nil {
		return r, fmt.Errorf("success: path %w", err)
	}
	if r.id, err = parsePath(of.Success.ID); err != nil {
		return r, fmt.Errorf("success: id %w", err)
	}
	if r.code, err = parsePath(of.Code); err != nil {
		return r, fmt.Errorf("code %w", err)
	}
	if len(of.Failures) > maxFailures {
		return r, fmt.Errorf("failures must be at most %d", maxFailures)
	}
	for i, f := range of.Failures {
		rule := failureRule{Failure: f, means: meanings[f.Means]}
		if rule.path, err = parsePath(f.Path); err != nil {
			return r, fmt.Errorf("failures: %d: path %w", i+1, err)
		}
		if err := checkStatuses(f.Status, 200, 599); err != nil {
			return r, fmt.Errorf("failures: %d: status %w", i+1, err)
		}
		switch {
		case rule.means == call.Classification{}:
			return r, fmt.Errorf("failures: %d: means must be retry, pause, message, destination, credential or unknown", i+1)
		case len(f.Status) == 0 && f.Path == "":
			return r, fmt.Errorf("failures: %d must have a status or a path", i+1)
		case len(f.Equals) > 0 && f.Path == "":
			return r, fmt.Errorf("failures: %d: equals needs a path", i+1)
		}
		r.failures = append(r.failures, rule)
	}
	return r, nil
}

func checkStatuses(all []int, from, to int) error {
	for _, status := range all {
		if status < from || status > to {
			return fmt.Errorf("must be from %d to %d", from, to)
		}
	}
	return nil
}

// parsePath parses a JSON path (RFC 9535) to at most one value; nil if it is empty.
func parsePath(text string) (*jsonpath.Path, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no path is a valid setting
	}
	path, err := jsonpath.Parse(text)
	if err != nil || path.Query().Singular() == nil {
		return nil, errors.New("must be a JSON path to one value, such as $.messages[0].status")
	}
	return path, nil
}

// outcome refines the outcome of the HTTP status. A 429 is always a pause, and a redirect
// a failure.
func (r outcomeRule) outcome(res call.Response, o messenger.Outcome) messenger.Outcome {
	if res.Status == 0 || o.Kind == messenger.Paused || o.Code == "redirect" {
		return o
	}
	body := decode(res.Body)
	if code := r.codeIn(body); code != "" && !o.IsSuccess() {
		o.Code = code
	}
	for _, f := range r.failures {
		if f.matches(res.Status, body) {
			if code := r.codeIn(body); code != "" {
				o.Code = code
			} else if o.IsSuccess() {
				o.Code = "refused"
			}
			return call.Classify(o, f.means)
		}
	}
	switch {
	case o.IsSuccess():
		return r.confirmed(res, body, o)
	case res.Status == http.StatusGone:
		o.Gone = true
		return call.Classify(o, call.DestinationFailed)
	case res.Status == http.StatusNotFound:
		return call.Classify(o, call.DestinationFailed)
	}
	return o
}

// confirmed returns the outcome of a 2xx, which is Unknown without a confirmation.
func (r outcomeRule) confirmed(res call.Response, body any, o messenger.Outcome) messenger.Outcome {
	if len(r.success.Status) > 0 && !slices.Contains(r.success.Status, res.Status) {
		return o
	}
	if r.success.Body != "" && strings.TrimSpace(string(res.Body)) != r.success.Body {
		return o
	}
	if r.path != nil {
		value, ok := selectValue(r.path, body)
		switch {
		case !ok:
			return o
		case !r.success.accepts(value):
			o.Code = "refused"
			if code := r.codeIn(body); code != "" {
				o.Code = code
			}
			return call.Classify(o, call.MessageFailed)
		}
	}
	if id, ok := selectValue(r.id, body); ok {
		o.MessageID = id
	}
	o.Code = ""
	return call.Classify(o, call.Sent)
}

// accepts reports whether the value at Path confirms the message.
func (s Success) accepts(value string) bool {
	if s.Equals != "" {
		return value == s.Equals
	}
	return !slices.Contains([]string{"", "false", "null", "0"}, value)
}

func (f failureRule) matches(status int, body any) bool {
	if len(f.Status) > 0 && !slices.Contains(f.Status, status) {
		return false
	}
	if f.path == nil {
		return true
	}
	value, ok := selectValue(f.path, body)
	return ok && (len(f.Equals) == 0 || slices.Contains(f.Equals, value))
}

// codeIn returns the provider's error code if it is one word: other texts are in the
// excerpt.
func (r outcomeRule) codeIn(body any) string {
	code, ok := selectValue(r.code, body)
	if !ok || code == "null" || strings.ContainsAny(code, " \t\r\n") {
		return ""
	}
	return code
}

// decode decodes a body that is one JSON value, with numbers as they are written;
// otherwise it returns nil.
func decode(body []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return nil
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil
	}
	return value
}

// selectValue returns the string, number, boolean or null at a path as text. An object and
// an array are the word for their kind, since only their presence counts.
func selectValue(path *jsonpath.Path, body any) (string, bool) {
	if path == nil || body == nil {
		return "", false
	}
	for _, node := range path.Select(body) {
		switch v := node.(type) {
		case string:
			return v, true
		case json.Number:
			return v.String(), true
		case bool:
			return strconv.FormatBool(v), true
		case nil:
			return "null", true
		case []any:
			return "array", true
		default:
			return "object", true
		}
	}
	return "", false
}
