package alert

import (
	"context"
	"time"
)

const (
	// MaxCallbackEndpoints is the maximum number of callback endpoints.
	MaxCallbackEndpoints = 1000
	// MaxBatchReports is the maximum number of reports in a batch.
	MaxBatchReports = 100
	// MaxTurnBatches is the maximum number of batches in a turn. Taking that many blocks
	// other transactions of SQLite for a few milliseconds.
	MaxTurnBatches = 4
	// CallbackTTL is how long a report is repeated; then it is dropped.
	CallbackTTL = 24 * time.Hour
)

// UnknownCallback is the reason of the error for an alert whose callback endpoint does not
// exist.
const UnknownCallback = "UNKNOWN_CALLBACK"

// A CallbackEndpoint is a URL of a caller's system, to which changes of deliveries are
// reported.
type CallbackEndpoint struct {
	ID           int64
	Name         string // unique
	URL          string
	SealedSecret []byte // the signing secret
	CreateTime   time.Time
	WaitingCount int64  // reports that wait to be sent; ignored by AddCallbackEndpoint
	LastError    string // why the last call failed; empty if it succeeded
}

// A CallbackReport is a change of a delivery: it was completed, or read.
type CallbackReport struct {
	ID         int64 // of two reports of a delivery the later has the higher one
	AlertID    int64
	DeliveryID int64
	Nickname   string
	Messenger  string
	State      State     // after the change
	Reason     string    // of the state; empty for none
	EndTime    time.Time // when it was completed; zero if it no longer is
	ReadTime   time.Time // when it was read; zero in a report of its end
	CreateTime time.Time // when the change was recorded
}

// A CallbackBatch is a request to a callback endpoint. All calls for it are the same.
type CallbackBatch struct {
	ID    string // the webhook-id
	Size  int    // the number of its reports
	Body  []byte
	Tries int // failed calls before
}

// A CallbackEncoder returns the id and the body of a new batch. The id must differ from those
// of all other batches, also from those of other ledgers.
type CallbackEncoder func([]CallbackReport) (id string, body []byte)

// A CallbackTurn is the work of a process for one endpoint until its lease ends.
type CallbackTurn struct {
	Endpoint CallbackEndpoint // without CreateTime and WaitingCount
	Fence    int64            // the fencing token of the lease
	Tries    int              // failed turns since the last successful one, without Repeated ones
	Batches  []CallbackBatch  // to be sent
	Repeated bool             // a probe of a batch that failed before, and no other one is left
	Full     bool             // more batches are probably waiting
	Dropped  int              // reports that were dropped at the end of their CallbackTTL
}

// A CallbackEnd is the result of a turn.
type CallbackEnd struct {
	Sent      []string // ids of batches
	Failed    []CallbackRetry
	NextTime  time.Time // when the endpoint may be called again
	Tries     int       // failed turns since the last successful one, without Repeated ones
	LastError string
	Recovered bool // all other failed batches may be sent again at NextTime
}

// A CallbackRetry is a failed batch.
type CallbackRetry struct {
	ID       string
	NextTime time.Time // when it may be sent again
}

// A CallbackStore stores callback endpoints, and the reports that wait for them.
//
// A delivery whose alert has a callback is reported in the transaction that completes it, and
// in the one that records that it was read. If it becomes Queued again, as by Replay, its next
// end is reported too. Nothing is reported to a deleted endpoint, or to another one that has
// its name later.
type CallbackStore interface {
	// AddCallbackEndpoint stores an endpoint; its ID is assigned. It must return
	// fault.ErrExists if the name is taken.
	AddCallbackEndpoint(ctx context.Context, e CallbackEndpoint) error
	// CallbackEndpoints returns all endpoints by name.
	CallbackEndpoints(ctx context.Context) ([]CallbackEndpoint, error)
	// DeleteCallbackEndpoint deletes an endpoint and the reports that wait for it. It must
	// return fault.ErrNotFound if no endpoint has the name.
	DeleteCallbackEndpoint(ctx context.Context, name string) error
	// ResealCallbackEndpoint replaces the SealedSecret of an endpoint, if it still is from.
	ResealCallbackEndpoint(ctx context.Context, id int64, from, to []byte) error

	// TakeCallbacks leases an endpoint that has reports until lease, and returns its turn;
	// false if there is none. Several processes may call it: an endpoint is leased by one of
	// them. Batches that were not sent and are due come first, those that are due for longest
	// before the others; then encode makes new ones of the oldest reports. After a failed
	// turn, a turn is a probe: one batch only, which must have no Tries if there is such a
	// batch or a report. lease must be after now.
	//
	// If reports are older than CallbackTTL, the turn only drops them, and has no lease.
	TakeCallbacks(ctx context.Context, now, lease time.Time, encode CallbackEncoder) (turn CallbackTurn, ok bool, err error)
	// EndCallbacks ends the lease of a turn, and deletes the batches that were sent. If the
	// lease has ended and another turn has begun, it only deletes these.
	EndCallbacks(ctx context.Context, turn CallbackTurn, end CallbackEnd) error
	// CountCallbacks returns the number of reports that wait to be sent to any endpoint.
	CountCallbacks(ctx context.Context) (int64, error)
}
