package intake

import (
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// jsonOnly returns the source that reads JSON only when its Content-Type says so. A page
// of another site can make a browser send text and forms without asking, but not JSON.
func jsonOnly(name string, source Source) Source {
	return func(header http.Header, body []byte) ([]Alert, error) {
		if mediaType, _, err := mime.ParseMediaType(header.Get("Content-Type")); err != nil || !isJSON(mediaType) {
			return nil, fmt.Errorf("Content-Type: %s takes application/json: %w", name, fault.ErrInvalid)
		}
		return source(header, body)
	}
}

// isJSON reports whether a media type, in lower case, is JSON.
func isJSON(mediaType string) bool {
	return mediaType == "application/json" || strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}
