package ledger

import (
	"context"

	"github.com/bongsu-project/bongsu/kit/database"
)

// A pendingWrite is a call that waits for a group commit: adds, a claim or a report.
type pendingWrite interface{ rows() int }

// writeBatch writes changes of all kinds in one transaction, kind by kind.
func (s *Store) writeBatch(ctx context.Context, changes []pendingWrite) error {
	var adds []*pendingAdd
	var reports []*pendingReport
	var claims []*pendingClaim
	for _, c := range changes {
		switch c := c.(type) {
		case *pendingAdd:
			adds = append(adds, c)
		case pendingAdds:
			adds = append(adds, c...)
		case *pendingReport:
			reports = append(reports, c)
		case *pendingClaim:
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
