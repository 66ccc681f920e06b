package ledger

import (
	"context"

	"github.com/bongsu-project/bongsu/internal/store/database"
)

// A change is a call that waits for a group commit: an add, a claim or a report.
type change interface{ rows() int }

// write writes changes of all kinds in one transaction, kind by kind.
func (s *Store) write(ctx context.Context, changes []change) error {
	var adds []*add
	var reports []*report
	var claims []*claim
	for _, c := range changes {
		switch c := c.(type) {
		case *add:
			adds = append(adds, c)
		case *report:
			reports = append(reports, c)
		case *claim:
			claims = append(claims, c)
		}
	}
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if len(adds) > 0 {
			if err := writeAdds(ctx, t, adds); err != nil {
				return err
			}
		}
		if err := writeReports(ctx, t, entriesOf(reports)); err != nil {
			return err
		}
		return writeClaims(ctx, t, claims)
	})
}
