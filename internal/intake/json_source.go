package intake

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/bongsu-project/bongsu/internal/wiretext"
)

// jsonSource returns a source of JSON of any form, read by its templates. Without a message
// of a template the body is the message; without a key equal bodies are duplicates.
func (r reader) jsonSource() Source {
	return r.sourceOf(func(header http.Header, body []byte) ([]Item, *Problem) {
		text, err := wiretext.ToUTF8(header.Get("Content-Type"), body)
		if err != nil {
			return nil, unreadableBody("%s", err)
		}
		data, err := wiretext.DecodeValue(text)
		if err != nil {
			return nil, unreadableBody("the body is not JSON: %s", wiretext.ErrorText(err))
		}
		var whole bytes.Buffer
		if err := json.Compact(&whole, text); err != nil {
			return nil, unreadableBody("the body is not JSON: %s", wiretext.ErrorText(err))
		}
		return []Item{{Alert: r.normalize(draft{messages: []string{whole.String()}, idempotencyParts: []string{string(body)}}, data)}}, nil
	})
}
