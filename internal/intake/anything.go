package intake

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// anything reads JSON of any form by its templates. Where they make no key, the same
// body is the same alert.
func (r reader) anything() Source {
	return func(_ http.Header, body []byte) ([]Alert, error) {
		var data any
		if err := json.Unmarshal(body, &data); err != nil {
			return nil, fmt.Errorf("the body is no JSON: %s: %w", said(err), fault.ErrInvalid)
		}
		a, err := r.settle(Alert{Key: string(body)}, data)
		if err != nil {
			return nil, err
		}
		return []Alert{a}, nil
	}
}
