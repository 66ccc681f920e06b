package rpc

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// jsonPosition matches the position in an error of protojson.
var jsonPosition = regexp.MustCompile(`\(line (\d+):(\d+)\)`)

// jsonError returns an error for callers, for data that protojson could not decode. It names
// the field: field if it is not empty, and otherwise the one at the position in the error.
func jsonError(err error, data []byte, field string) error {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ") // protojson varies the space on purpose
	text = strings.TrimPrefix(text, "proto: ")
	if at := jsonPosition.FindStringSubmatch(text); field == "" && at != nil {
		line, _ := strconv.Atoi(at[1])
		column, _ := strconv.Atoi(at[2])
		field = fieldAt(data, byteOffset(data, line, column))
	}
	text = truncate(text, maxQuoteBytes)
	if field == "" {
		return fault.WithReason(fault.WithField(fault.Invalidf("invalid JSON body: %s", text), "body"), reasonMalformed)
	}
	return fault.InvalidField(truncate(field, maxQuoteBytes), "%s", text)
}

// byteOffset returns the byte offset of a line and a column, both counted from 1.
func byteOffset(data []byte, line, column int) int {
	at := 0
	for ; line > 1; line-- {
		next := bytes.IndexByte(data[at:], '\n')
		if next < 0 {
			break
		}
		at += next + 1
	}
	return at + column - 1
}

// fieldAt returns the path of the field whose name or value is at an offset, such as
// users[3].rank, and "" if there is none.
func fieldAt(data []byte, at int) string {
	p := jsonPath{decoder: json.NewDecoder(bytes.NewReader(data)), at: at}
	if open, err := p.decoder.Token(); err != nil || open != json.Delim('{') {
		return ""
	}
	p.object()
	return p.path
}

// A jsonPath finds the path of the value at an offset.
type jsonPath struct {
	decoder *json.Decoder
	at      int
	path    string // of the value that the decoder reads
}

// object reads an object after its brace. Like list and value, it reports whether it has
// found the offset, or the end of what can be read: path is the result then.
func (p *jsonPath) object() bool {
	within := p.path
	for p.decoder.More() {
		key, err := p.decoder.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return true
		}
		p.path = strings.TrimPrefix(p.child(within, "."+name), ".")
		if int(p.decoder.InputOffset()) > p.at || p.value() {
			return true
		}
	}
	p.path = within
	return p.end()
}

func (p *jsonPath) list() bool {
	within := p.path
	for i := 0; p.decoder.More(); i++ {
		p.path = p.child(within, "["+strconv.Itoa(i)+"]")
		if p.value() {
			return true
		}
	}
	p.path = within
	return p.end()
}

// child returns the path of an element. It does not grow beyond what an error quotes: a body
// may have a long name with many others in it.
func (p *jsonPath) child(path, element string) string {
	if len(path) > maxQuoteBytes {
		return path
	}
	return path + truncate(element, maxQuoteBytes)
}

// value reads a value of any type.
func (p *jsonPath) value() bool {
	token, err := p.decoder.Token()
	switch {
	case err != nil, int(p.decoder.InputOffset()) > p.at:
		return true
	case token == json.Delim('{'):
		return p.object()
	case token == json.Delim('['):
		return p.list()
	}
	return false
}

// end reads the end of an object or a list.
func (p *jsonPath) end() bool {
	_, err := p.decoder.Token()
	return err != nil || int(p.decoder.InputOffset()) > p.at
}
