// Package wiretext reads the texts of other systems: bodies in any charset, JSON with numbers
// as written, and percent codes.
package wiretext

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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

// ToUTF8 decodes the body by its byte order mark, or else by the charset of its content
// type, and returns it in UTF-8 without the mark. It returns an error, for callers, if the
// body is not UTF-8 and names no charset.
func ToUTF8(contentType string, body []byte) ([]byte, error) {
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
			return nil, fmt.Errorf("unsupported charset %.30q in the Content-Type: send the body in UTF-8", charset)
		}
	}
	if from != nil {
		if body, err = from.NewDecoder().Bytes(body); err != nil {
			return nil, errors.New("invalid body: not in the charset of its Content-Type, send it in UTF-8")
		}
	}
	if !utf8.Valid(body) {
		return nil, errors.New("invalid body: not UTF-8, send it in UTF-8 or set its charset in the Content-Type")
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

// Decode decodes one JSON value. It keeps numbers as written.
func Decode(text []byte, to any) error {
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

// DecodeValue returns a JSON value for templates. Numbers are int64 if that prints as
// written, and json.Number otherwise.
func DecodeValue(text []byte) (any, error) {
	var value any
	if err := Decode(text, &value); err != nil {
		return nil, err
	}
	return plainNumbers(value), nil
}

// DecodeObject returns a JSON object as DecodeValue does. Another value is an error.
func DecodeObject(text []byte) (map[string]any, error) {
	value, err := DecodeValue(text)
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

// ErrorText returns the text of a JSON error without Go's type names.
func ErrorText(err error) string {
	return strings.NewReplacer("json: ", "", "Go value of type ", "", "Go struct field ", "field ").Replace(err.Error())
}

// TextOf returns a JSON value as text: numbers as written, null as "", arrays and objects
// as JSON.
func TextOf(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(text)
}

// HexAt returns the value of the hexadecimal digit at an index, or -1.
func HexAt(text string, at int) int {
	if at >= len(text) {
		return -1
	}
	switch c := text[at]; {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
