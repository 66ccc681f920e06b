package alert

import "context"

// A DeliveryQuery selects deliveries of an alert, sorted by id. All conditions that are
// set must hold.
type DeliveryQuery struct {
	AlertID   int64
	After     int64 // only ids above it; 0 for the first page
	Limit     int   // at least 1
	State     State // 0 for any
	Nickname  string
	Messenger string
	IDs       []int64 // only these
}

// A DeliveryVersion identifies the content of a delivery that callers see: it differs if
// that differs.
type DeliveryVersion struct {
	DeliveryID int64
	State      State
	Checksum   uint64
}

// A DeliveryReader reads alerts page by page, so that an alert to all users is never in
// memory as a whole.
type DeliveryReader interface {
	// Summary returns an alert with its Counts. It must return fault.ErrNotFound if no
	// alert has the id.
	Summary(ctx context.Context, id int64) (Alert, error)
	// Deliveries returns deliveries sorted by id, with their attempts. It must return
	// fault.ErrNotFound if no alert has q.AlertID.
	Deliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error)
	// Versions returns the versions of all deliveries of an alert, sorted by id; none if
	// no alert has the id.
	Versions(ctx context.Context, alertID int64) ([]DeliveryVersion, error)
	// Checksums returns a checksum for each of the alerts that has deliveries. It
	// changes when a DeliveryVersion of the alert does, except for rare collisions. It costs
	// less than Versions.
	Checksums(ctx context.Context, alertIDs []int64) (map[int64]uint64, error)
}
