package group

import (
	"fmt"
	"strconv"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// pageToken says where the next page begins: after an id.
func pageToken(id int) string { return strconv.Itoa(id) }

// readPageToken gives the id after which a page begins; 0 for the first page.
func readPageToken(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	id, err := strconv.Atoi(token)
	if err != nil || id < 0 {
		return 0, fmt.Errorf("page_token is none that this service gave: %w", fault.ErrInvalid)
	}
	return id, nil
}
