package intake

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// anything returns a source of JSON of any form, read by its templates. Without a message
// of a template the body is the message; without a key equal bodies are duplicates.
func (r reader) anything() Source {
	return r.reads(func(header http.Header, body []byte) ([]Item, *Problem) {
		text, problem := toUTF8(header.Get("Content-Type"), body)
		if problem != nil {
			return nil, problem
		}
		data, err := decodeValue(text)
		if err != nil {
			return nil, unreadable("the body is not JSON: %s", jsonError(err))
		}
		var whole bytes.Buffer
		if err := json.Compact(&whole, text); err != nil {
			return nil, unreadable("the body is not JSON: %s", jsonError(err))
		}
		return []Item{{Alert: r.settle(draft{words: []string{whole.String()}, same: []string{string(body)}}, data)}}, nil
	})
}
