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
	sender     string
	now, lease int64
	granted    []alert.Claim
}

func (c *claim) rows() int { return len(c.ids) }

// Claim takes deliveries under a lease. Where ctx ends before it returns, they
// may be held until the lease ends.
func (s *Store) Claim(ctx context.Context, ids []int64, sender string, now, lease time.Time) ([]alert.Claim, error) {
	if !storable(sender) {
		return nil, fmt.Errorf("sender holds a NUL or is not UTF-8: %w", fault.ErrInvalid)
	}
	if !lease.After(now) {
		return nil, fmt.Errorf("the lease must end after now: %w", fault.ErrInvalid)
	}
	c := &claim{ids: inOrder(ids), sender: sender, now: micros(now), lease: micros(lease)}
	if len(c.ids) == 0 {
		return nil, nil
	}
	if err := s.claims.do(ctx, c); err != nil {
		return nil, err
	}
	return c.granted, nil
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

// A free delivery can be claimed.
type free struct {
	id       int64
	fence    int64 // of the claim before
	attempts int
	possible bool // an attempt before may have reached the provider
}

// write grants some ids: it locks those that are free in the order of their ids,
// so that two processes never wait for each other, and moves them on. state + 0
// keeps the databases from the indexes by state: these are found by their ids.
func (c *claim) write(ctx context.Context, t *database.Tx, ids []int64) error {
	all, err := database.Select(ctx, t, func(rows *sql.Rows, f *free) error {
		return rows.Scan(&f.id, &f.fence, &f.attempts, &f.possible)
	}, `SELECT id, fence, attempt_count, possible_duplicate FROM deliveries
		WHERE id IN (`+database.List("?", len(ids))+`) AND state + 0 = 1 AND NOT held AND (NOT deferred OR next_time <= ?) AND expire_time > ?
		ORDER BY id`+forUpdate(t), append(anys(ids), c.now, c.now)...)
	if err != nil {
		return err
	}
	for some := range database.Chunks(all, chunk) {
		args := []any{c.now, c.lease, c.sender}
		for _, f := range some {
			args = append(args, f.id)
			c.granted = append(c.granted, alert.Claim{
				DeliveryID:        f.id,
				Fence:             f.fence + 1,
				Attempt:           f.attempts + 1,
				PossibleDuplicate: f.possible,
				LeaseExpireTime:   timeOf(c.lease),
			})
		}
		if _, err := t.Exec(ctx, `UPDATE deliveries SET state = 2, fence = fence + 1, attempt_count = attempt_count + 1,
			claim_time = ?, lease_time = ?, sender = ?, slots = '' WHERE id IN (`+database.List("?", len(some))+`)`, args...); err != nil {
			return err
		}
	}
	return nil
}
