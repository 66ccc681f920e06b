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
		return errors.New("invalid JSON body: " + text)
	}
	return fmt.Errorf("%s: %s", truncate(field, maxQuoteBytes), text)
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

// fieldAt returns the name of the top-level field whose name or value is at an offset, and
// "" if there is none.
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
