package probe

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"

	"github.com/theory/jsonpath"
)

// checkJSONPath returns an error unless the text is empty or a JSON path (RFC 9535) whose
// evaluation takes time in proportion to the size of the document.
func checkJSONPath(text string) error {
	if text == "" {
		return nil
	}
	if err := checkPathCost(text); err != nil {
		return err
	}
	if _, err := jsonpath.Parse(text); err != nil {
		return errors.New("must be a JSON path (RFC 9535), such as $.status or $.items[?@.name == 'a'].state")
	}
	return nil
}

const (
	// maxCurrent is the maximum number of "@" in a path.
	maxCurrent = 4
	// maxDepth is the maximum depth of a document of which a path is evaluated.
	maxDepth = 32
)

// checkPathCost returns an error for a path whose parts multiply the selected nodes, or that
// matches patterns, which cannot be interrupted: more than one "..", more than one "$", lists of
// selectors, many "@", match and search.
func checkPathCost(text string) error {
	var open []byte // brackets
	var quote byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[' || c == '(':
			open = append(open, c)
		case (c == ']' || c == ')') && len(open) > 0:
			open = open[:len(open)-1]
		case c == ',' && (len(open) == 0 || open[len(open)-1] == '['):
			return errors.New("must not select a list of names or indexes")
		}
	}
	bare := withoutQuoted(text)
	switch {
	case strings.Count(bare, "..") > 1:
		return errors.New(`must not use ".." more than once`)
	case strings.Count(bare, "$") > 1:
		return errors.New(`must not use "$" in a filter`)
	case strings.Count(bare, "@") > maxCurrent:
		return errors.New(`must not use "@" more than 4 times`)
	case strings.Contains(bare, "match") || strings.Contains(bare, "search"):
		return errors.New("must not use match and search; use body_pattern")
	}
	return nil
}

// withoutQuoted returns a path without its texts in quotation marks.
func withoutQuoted(text string) string {
	var b strings.Builder
	var quote byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'':
			quote = c
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// decodeJSON returns the value of a body that is one JSON value.
func decodeJSON(body []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, errors.New("not JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return value, nil
}

// depthOf returns how deep a JSON value is nested, counted up to a limit.
func depthOf(value any, limit int) int {
	deepest := 0
	inner := func(value any) {
		if deepest < limit {
			deepest = max(deepest, depthOf(value, limit-1)+1)
		}
	}
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			inner(element)
		}
	case map[string]any:
		for _, element := range v {
			inner(element)
		}
	}
	return deepest
}

// equalsAny reports whether one of the nodes is a value that is written as JSON or, if it is a
// text, as plain text.
func equalsAny(nodes []any, text string) bool {
	want, err := decodeJSON([]byte(text))
	for _, node := range nodes {
		if s, ok := node.(string); ok && s == text {
			return true
		}
		if err == nil && reflect.DeepEqual(node, want) {
			return true
		}
	}
	return false
}
