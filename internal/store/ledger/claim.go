package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A claim is one call of Claim, and what it is granted.
type claim struct {
	ids        []int64 // in order, each once
	by         alert.Claimant
	now, lease int64
	granted    []alert.Claim
}

func (c *claim) rows() int { return len(c.ids) }

// Claim takes deliveries under a lease. Where ctx ends before it returns, they
// may be held until the lease ends.
func (s *Store) Claim(ctx context.Context, ids []int64, by alert.Claimant, now, lease time.Time) ([]alert.Claim, error) {
	if !storable(by.Sender) {
		return nil, fmt.Errorf("sender holds a NUL or is not UTF-8: %w", fault.ErrInvalid)
	}
	if !lease.After(now) {
		return nil, fmt.Errorf("the lease must end after now: %w", fault.ErrInvalid)
	}
	c := &claim{ids: inOrder(ids), by: by, now: micros(now), lease: micros(lease)}
	if len(c.ids) == 0 {
		return nil, nil
	}
	if err := s.claims.do(ctx, c); err != nil {
		return nil, err
	}
	return c.granted, nil
}

// isFree says of a delivery that it can be claimed at a time, which it takes twice.
const isFree = `state + 0 = 1 AND NOT held AND (NOT deferred OR next_time <= ?) AND expire_time > ?`

// Free answers with what Claim would take, and what was reserved for it.
func (s *Store) Free(ctx context.Context, ids []int64, now time.Time) (slots map[int64]string, err error) {
	type reserved struct {
		id    int64
		slots string
	}
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		slots = make(map[int64]string, len(ids))
		for some := range database.Chunks(ids, chunk) {
			all, err := database.Select(ctx, t, func(rows *sql.Rows, r *reserved) error { return rows.Scan(&r.id, &r.slots) },
				`SELECT id, slots FROM deliveries WHERE id IN (`+database.List("?", len(some))+`) AND `+isFree, append(anys(some), micros(now), micros(now))...)
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

// writeClaims grants claims, one call after the other: what the first is
// granted, the second is not.
func writeClaims(ctx context.Context, t *database.Tx, claims []*claim) error {
	for _, c := range claims {
		c.granted = c.granted[:0]
		for some := range database.Chunks(c.ids, chunk) {
			if err := c.write(ctx, t, some); err != nil {
				return err
			}
		}
	}
	return nil
}

// A free delivery can be claimed, or is held by the same request already.
type free struct {
	id       int64
	fence    int64 // of the last claim
	attempts int   // with that of the last claim
	possible bool  // an attempt before may have reached the provider
	lease    int64 // 0 where it is not held
}

// claim is what is granted of it.
func (f *free) claim() alert.Claim {
	return alert.Claim{
		DeliveryID: f.id, Fence: f.fence, Attempt: f.attempts, PossibleDuplicate: f.possible, LeaseExpireTime: timeOf(f.lease),
	}
}

// write grants some ids: it locks those that are free in the order of their ids,
// so that two processes never wait for each other, and moves them on. What the
// same request holds it grants again as it is. state + 0 keeps the databases from
// the indexes by state: these are found by their ids.
func (c *claim) write(ctx context.Context, t *database.Tx, ids []int64) error {
	all, err := database.Select(ctx, t, func(rows *sql.Rows, f *free) error {
		return rows.Scan(&f.id, &f.fence, &f.attempts, &f.possible, &f.lease)
	}, `SELECT id, fence, attempt_count, possible_duplicate, CASE WHEN state = 2 THEN lease_time ELSE 0 END FROM deliveries
		WHERE id IN (`+database.List("?", len(ids))+`) AND (`+isFree+` OR
			state + 0 = 2 AND claim_request = ?)
		ORDER BY id`+forUpdate(t), append(anys(ids), c.now, c.now, c.by.Request[:])...)
	if err != nil {
		return err
	}
	var taken []any
	for _, f := range all {
		if f.lease == 0 {
			taken = append(taken, f.id)
			f.fence, f.attempts, f.lease = f.fence+1, f.attempts+1, c.lease
		}
		c.granted = append(c.granted, f.claim())
	}
	if len(taken) == 0 {
		return nil
	}
	_, err = t.Exec(ctx, `UPDATE deliveries SET state = 2, fence = fence + 1, attempt_count = attempt_count + 1,
		claim_time = ?, lease_time = ?, sender = ?, claim_request = ?, slots = '' WHERE id IN (`+database.List("?", len(taken))+`)`,
		append([]any{c.now, c.lease, c.by.Sender, c.by.Request[:]}, taken...)...)
	return err
}
