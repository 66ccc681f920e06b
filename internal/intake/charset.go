package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

var (
	bomUTF8    = []byte("\xef\xbb\xbf")
	bomUTF16BE = []byte("\xfe\xff")
	bomUTF16LE = []byte("\xff\xfe")
)

// toUTF8 decodes the body by its byte order mark, or else by the charset of its content
// type, and returns it in UTF-8 without the mark. A body that is not UTF-8 and names no
// charset is a problem.
func toUTF8(contentType string, body []byte) ([]byte, *Problem) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		params = nil
	}
	charset := strings.ToLower(params["charset"])
	var from encoding.Encoding
	switch {
	case bytes.HasPrefix(body, bomUTF8):
		body = body[len(bomUTF8):]
	case bytes.HasPrefix(body, bomUTF16BE), bytes.HasPrefix(body, bomUTF16LE):
		from = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case charset != "" && charset != "utf-8" && charset != "utf8" && !ascii(body):
		if from, err = htmlindex.Get(charset); err != nil {
			return nil, unreadableBody("unsupported charset %q in the Content-Type: send the body in UTF-8", truncate(charset, maxSeverity))
		}
	}
	if from != nil {
		if body, err = from.NewDecoder().Bytes(body); err != nil {
			return nil, unreadableBody("invalid body: not in the charset of its Content-Type, send it in UTF-8")
		}
	}
	if !utf8.Valid(body) {
		return nil, unreadableBody("invalid body: not UTF-8, send it in UTF-8 or set its charset in the Content-Type")
	}
	return body, nil
}

// ascii reports whether the body decodes to the same text in every charset but UTF-16.
func ascii(body []byte) bool {
	for _, b := range body {
		if b == 0 || b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// errTrailing is the error for text after a JSON value.
var errTrailing = errors.New("trailing text after the JSON value")

// decode decodes one JSON value. It keeps numbers as written.
func decode(text []byte, to any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(to); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}

// decodeValue returns a JSON value for templates. Numbers are int64 if that prints as
// written, and json.Number otherwise.
func decodeValue(text []byte) (any, error) {
	var value any
	if err := decode(text, &value); err != nil {
		return nil, err
	}
	return plainNumbers(value), nil
}

// decodeObject returns a JSON object as decodeValue does. Another value is an error.
func decodeObject(text []byte) (map[string]any, error) {
	value, err := decodeValue(text)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	return object, nil
}

// plainNumbers converts the numbers of a decoded value to int64 where that prints as written.
func plainNumbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil && strconv.FormatInt(n, 10) == v.String() {
			return n
		}
	case map[string]any:
		for name, one := range v {
			v[name] = plainNumbers(one)
		}
	case []any:
		for i, one := range v {
			v[i] = plainNumbers(one)
		}
	}
	return value
}

// jsonError returns the text of a JSON error without Go's type names.
func jsonError(err error) string {
	return strings.NewReplacer("json: ", "", "Go value of type ", "", "Go struct field ", "field ").Replace(err.Error())
}
