package intake

import (
	"net/http"
	"strings"

	"github.com/bongsu-project/bongsu/internal/cloudevents"
)

// jsonOnly wraps a source so that it refuses a Content-Type other than JSON. A page of
// another site can make a browser send text and forms across origins, but not JSON.
func jsonOnly(name string, source Source) Source {
	read := source.Read
	source.Read = func(header http.Header, body []byte) ([]Item, *Problem) {
		mediaType, _, _ := strings.Cut(header.Get("Content-Type"), ";") // parameters may be malformed
		if mediaType = strings.ToLower(strings.TrimSpace(mediaType)); !strings.HasPrefix(mediaType, "application/") || !cloudevents.IsJSON(mediaType) {
			return nil, unreadableBody("invalid Content-Type: source %s requires application/json", name)
		}
		return read(header, body)
	}
	return source
}
