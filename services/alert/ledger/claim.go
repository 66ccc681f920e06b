package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A pendingClaim is one call of Claim, with the claims that it is granted.
type pendingClaim struct {
	ids        []int64 // in order, each once
	by         alert.Claimant
	now, lease int64
	granted    []dispatch.Claim
}

func (c *pendingClaim) rows() int { return len(c.ids) }

// Claim claims deliveries under a lease. If ctx ends before it returns, they may stay claimed
// until the lease expires.
func (s *Store) Claim(ctx context.Context, ids []int64, by alert.Claimant, now, lease time.Time) ([]dispatch.Claim, error) {
	if !isStorable(by.Sender) {
		return nil, fault.Invalidf("sender contains NUL or is not UTF-8")
	}
	if !lease.After(now) {
		return nil, fault.Invalidf("lease must end after now")
	}
	c := &pendingClaim{ids: inOrder(ids), by: by, now: micros(now), lease: micros(lease)}
	if len(c.ids) == 0 {
		return nil, nil
	}
	if err := s.claims.Do(ctx, c); err != nil {
		return nil, err
	}
	return c.granted, nil
}

// isClaimable is the condition for claimable deliveries at a time, which is a parameter twice.
const isClaimable = rowQueued + ` AND NOT held AND (NOT deferred OR next_time <= ?) AND expire_time > ?`

// Claimable returns the deliveries that Claim would grant, with their reserved slots.
func (s *Store) Claimable(ctx context.Context, ids []int64, now time.Time) (slots map[int64]string, err error) {
	type reserved struct {
		id    int64
		slots string
	}
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		slots = make(map[int64]string, len(ids))
		for some := range database.ChunkRows(t, ids, maxStatementRows) {
			in, args := database.In(t, some)
			all, err := database.Select(ctx, t, func(rows *sql.Rows, r *reserved) error { return rows.Scan(&r.id, &r.slots) },
				`SELECT id, slots FROM deliveries WHERE id `+in+` AND `+isClaimable, append(args, micros(now), micros(now))...)
			if err != nil {
				return err
			}
			for _, r := range all {
				slots[r.id] = r.slots
			}
		}
		return nil
	})
	return slots, err
}

// writeClaims grants claims, call by call: a delivery goes to the first call that claims it.
func writeClaims(ctx context.Context, t *database.Tx, claims []*pendingClaim) error {
	for _, c := range claims {
		c.granted = c.granted[:0]
		for some := range database.ChunkRows(t, c.ids, maxStatementRows) {
			if err := c.write(ctx, t, some); err != nil {
				return err
			}
		}
	}
	return nil
}

// write grants the claims of some ids.
func (c *pendingClaim) write(ctx context.Context, t *database.Tx, ids []int64) error {
	taken, err := c.take(ctx, t, ids)
	if err != nil {
		return err
	}
	if len(taken) < len(ids) {
		if taken, err = c.selectGranted(ctx, t, ids); err != nil {
			return err
		}
	}
	c.grant(taken)
	return nil
}

// grant adds granted claims to the result.
func (c *pendingClaim) grant(taken []dispatch.Claim) {
	slices.SortFunc(taken, func(a, b dispatch.Claim) int { return cmp.Compare(a.DeliveryID, b.DeliveryID) })
	c.granted = append(c.granted, taken...)
}

// take claims the claimable ones of ids. In PostgreSQL it locks them in the order of their ids
// first, so that two processes cannot deadlock. SQLite has one writer and needs no second
// lookup.
func (c *pendingClaim) take(ctx context.Context, t *database.Tx, ids []int64) ([]dispatch.Claim, error) {
	in, args := database.In(t, ids)
	claimable := `id ` + in + ` AND ` + isClaimable
	if t.Postgres() {
		claimable = `id IN (SELECT id FROM deliveries WHERE ` + claimable + ` ORDER BY id FOR UPDATE)`
	}
	return selectClaims(ctx, t, `UPDATE`+orRollback(t)+` deliveries SET state = `+sqlClaimed+`, fence = fence + 1, attempt_count = attempt_count + 1,
		claim_time = ?, lease_time = ?, sender = ?, claim_request = ?, slots = ''
		WHERE `+claimable+` RETURNING `+claimColumns,
		append(append([]any{c.now, c.lease, c.by.Sender, c.by.Request[:]}, args...), c.now, c.now)...)
}

// selectGranted returns the claims on some ids that the same request has; they are granted
// again, unchanged.
func (c *pendingClaim) selectGranted(ctx context.Context, t *database.Tx, ids []int64) ([]dispatch.Claim, error) {
	in, args := database.In(t, ids)
	return selectClaims(ctx, t, `SELECT `+claimColumns+` FROM deliveries WHERE id `+in+` AND `+rowClaimed+` AND claim_request = ?`,
		append(args, c.by.Request[:])...)
}

// claimColumns are the columns that selectClaims reads.
const claimColumns = `id, fence, attempt_count, possible_duplicate, lease_time`

// selectClaims returns the claims that a statement returns as claimColumns.
func selectClaims(ctx context.Context, t *database.Tx, text string, args ...any) ([]dispatch.Claim, error) {
	return database.Select(ctx, t, func(rows *sql.Rows, claim *dispatch.Claim) error {
		var lease int64
		err := rows.Scan(&claim.DeliveryID, &claim.Fence, &claim.Attempt, &claim.PossibleDuplicate, &lease)
		claim.LeaseExpireTime = fromMicros(lease)
		return err
	}, text, args...)
}
