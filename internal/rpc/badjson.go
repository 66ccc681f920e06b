package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// place is how protojson says where it stopped.
var place = regexp.MustCompile(`\(line (\d+):(\d+)\)`)

// badJSON says in words for callers why data is not the message they meant, and
// names the field: field where it is known, else the one at the place that the
// error of protojson tells.
func badJSON(err error, data []byte, field string) error {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ") // protojson varies the space so that nobody relies on it
	text = strings.TrimPrefix(text, "proto: ")
	if at := place.FindStringSubmatch(text); field == "" && at != nil {
		line, _ := strconv.Atoi(at[1])
		column, _ := strconv.Atoi(at[2])
		field = fieldAt(data, offset(data, line, column))
	}
	text = cut(text, maxQuoteBytes)
	if field == "" {
		return errors.New("the body is not the JSON that is wanted: " + text)
	}
	return fmt.Errorf("%s: %s", cut(field, maxQuoteBytes), text)
}

// offset gives where a line and column stand, counted from 1.
func offset(data []byte, line, column int) int {
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

// fieldAt names the top-level field whose name or value stands at an offset, and
// "" where that cannot be said.
func fieldAt(data []byte, at int) string {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return ""
	}
	for decoder.More() {
		key, err := decoder.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return ""
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil || int(decoder.InputOffset()) > at {
			return name
		}
	}
	return ""
}
