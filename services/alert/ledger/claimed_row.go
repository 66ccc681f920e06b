package ledger

import (
	"context"
	"database/sql"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A claimedRow is a claimed delivery.
type claimedRow struct {
	id, alert          int64
	destination        string
	fence              int64
	attempts           int
	possibleDuplicate  bool  // an earlier attempt may have reached the provider
	begin, end         int64 // of its lease
	messenger          string
	rank               job.Rank
	tries              int
	expire             int64
	canceled           bool
	chain              int64
	thread             string
	resolves           bool
	order              int64 // in its thread
	kind               threadKind
	reason             string // its reason if it becomes Canceled; empty means reasonCanceled
	callback           int64  // the id of its callback endpoint; 0 for none
	undeliveredMessage string // the id of the message that the provider accepted and did not deliver, if any
}

// selectClaimed returns the deliveries that match a condition, which must include that they are
// claimed.
func selectClaimed(ctx context.Context, t *database.Tx, condition string, args ...any) ([]claimedRow, error) {
	return database.Select(ctx, t, func(rows *sql.Rows, c *claimedRow) error {
		return rows.Scan(&c.id, &c.alert, &c.destination, &c.fence, &c.attempts, &c.possibleDuplicate, &c.begin, &c.end,
			&c.messenger, &c.rank, &c.tries, &c.expire, &c.canceled, &c.chain, &c.thread, &c.resolves, &c.order, &c.kind, &c.reason, &c.callback, &c.undeliveredMessage)
	}, `SELECT id, alert_id, destination, fence, attempt_count, possible_duplicate, claim_time, lease_time,
		messenger, rank, tries, expire_time, canceled, chain, thread, resolves, thread_order, thread_kind, reason, callback,
		CASE WHEN receipt_failed THEN receipt_message ELSE '' END FROM deliveries WHERE `+condition, args...)
}

// verdictFacts returns the facts for a verdict at now.
func (c *claimedRow) verdictFacts(now time.Time) alert.VerdictFacts {
	return alert.VerdictFacts{
		Now: now, Messenger: c.messenger, Rank: c.rank, Tries: c.tries, ExpireTime: fromMicros(c.expire), Canceled: c.canceled,
	}
}
