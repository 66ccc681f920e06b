package directory

import (
	"strconv"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// pageToken returns the token of the page that begins after an id.
func pageToken(id int) string { return strconv.Itoa(id) }

// readPageToken returns the id after which a page begins; 0 for the first page.
func readPageToken(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	id, err := strconv.Atoi(token)
	if err != nil || id < 0 {
		return 0, fault.WithField(fault.Invalidf("invalid page_token"), "page_token")
	}
	return id, nil
}

// limitForNext returns the query limit for a page of limit rows: one more, which shows whether
// there is a next page. 0, which means all rows, stays 0.
func limitForNext(limit int) int {
	if limit == 0 {
		return 0
	}
	return limit + 1
}
