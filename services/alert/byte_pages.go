package alert

import "context"

const (
	// pageBytes is the size at which a page ends before it is full: a delivery may have
	// hundreds of attempts, and an alert texts of a hundred kilobytes.
	pageBytes = 4 << 20
	// pageChunk is how many rows of a page are read at a time.
	pageChunk = 100
)

// pageByBytes reads a page of up to limit rows, chunk by chunk, and reports whether there are
// more. read returns at most n rows after the last of before. A page ends early once its rows
// exceed pageBytes; it has at least one row.
func pageByBytes[T any](limit int, size func(T) int, read func(n int, before []T) ([]T, error)) (page []T, more bool, err error) {
	bytes := 0
	for {
		n := min(limit+1-len(page), pageChunk)
		rows, err := read(n, page)
		if err != nil {
			return nil, false, err
		}
		for _, row := range rows {
			if len(page) == limit || len(page) > 0 && bytes > pageBytes {
				return page, true, nil
			}
			page = append(page, row)
			bytes += size(row)
		}
		if len(rows) < n {
			return page, false, nil
		}
	}
}

// deliveriesPage returns a page of deliveries.
func deliveriesPage(ctx context.Context, d DeliveryReader, q DeliveryQuery) (page []Delivery, more bool, err error) {
	return pageByBytes(q.Limit, Delivery.size, func(n int, before []Delivery) ([]Delivery, error) {
		chunk := q
		chunk.Limit = n
		if len(before) > 0 {
			chunk.After = before[len(before)-1].ID
		}
		return d.Deliveries(ctx, chunk)
	})
}

// alertsPage returns a page of alerts.
func alertsPage(ctx context.Context, b AlertStore, q AlertQuery) (page []Alert, more bool, err error) {
	return pageByBytes(q.Limit, Alert.size, func(n int, before []Alert) ([]Alert, error) {
		chunk := q
		chunk.Limit = n
		if len(before) > 0 {
			chunk.Before = before[len(before)-1].ID
		}
		return b.Alerts(ctx, chunk)
	})
}

// size returns the approximate encoded size of a delivery in bytes.
func (d Delivery) size() int {
	size := 100 + len(d.Nickname) + len(d.Destination) + len(d.Reason)
	for _, a := range d.Attempts {
		size += 100 + len(a.Outcome.Excerpt) + len(a.Outcome.Code) + len(a.Outcome.MessageID)
	}
	return size
}

// size returns the approximate encoded size of an alert in bytes.
func (a Alert) size() int {
	size := 100 + len(a.Message) + len(a.Title) + len(a.Link)
	for _, texts := range [][]string{a.Targets, a.UnknownTargets} {
		for _, text := range texts {
			size += 3 + len(text)
		}
	}
	for _, d := range a.Details {
		size += 6 + len(d.Name) + len(d.Value)
	}
	return size
}
