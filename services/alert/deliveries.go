package alert

import "context"

// A DeliveryQuery asks for deliveries of an alert, by id. All of its conditions that are
// set must hold.
type DeliveryQuery struct {
	AlertID   int64
	After     int64 // only ids above it; 0 asks from the first
	Limit     int   // at least 1
	State     State // 0 for any
	Nickname  string
	Messenger string
	IDs       []int64 // only these
}

// A Version stands for all that callers see of a delivery: it differs where that differs.
type Version struct {
	DeliveryID int64
	State      State
	Sum        uint64
}

// A Deliveries reads alerts piece by piece, so that nobody holds an alert to all people
// at once.
type Deliveries interface {
	// Summary answers with an alert, with its Counts. It must return fault.ErrNotFound
	// where no alert has the id.
	Summary(ctx context.Context, id int64) (Alert, error)
	// Deliveries answers with deliveries by id, with their attempts. It must return
	// fault.ErrNotFound where no alert has q.AlertID.
	Deliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error)
	// Versions answers with the versions of all deliveries of an alert, by id. Where no
	// alert has the id there are none.
	Versions(ctx context.Context, alertID int64) ([]Version, error)
	// Fingerprints answers with a number for each of the alerts that has deliveries,
	// which differs, but for rare coincidence, where a Version of it differs. It is
	// cheaper than Versions.
	Fingerprints(ctx context.Context, alertIDs []int64) (map[int64]uint64, error)
}
