package intake

import (
	"net/http"
	"strings"
)

// jsonOnly returns the source that reads JSON only when its Content-Type says so. A page
// of another site can make a browser send text and forms without asking, but not JSON.
func jsonOnly(name string, source Source) Source {
	read := source.Read
	source.Read = func(header http.Header, body []byte) ([]Item, *Problem) {
		mediaType, _, _ := strings.Cut(header.Get("Content-Type"), ";")
		if mediaType = strings.ToLower(strings.TrimSpace(mediaType)); mediaType == "" || !isJSON(mediaType) {
			return nil, unreadable("Content-Type: %s takes application/json", name)
		}
		return read(header, body)
	}
	return source
}
