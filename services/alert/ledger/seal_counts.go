package ledger

import (
	"context"
	"database/sql"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/alert"
)

// CountBySealKey returns the number of uncompleted deliveries and callback endpoints by seal key.
// The two states are queried separately, each by its partial index.
func (s *Store) CountBySealKey(ctx context.Context) (seals []alert.SealCount, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		seals, err = database.Select(ctx, t, func(rows *sql.Rows, one *alert.SealCount) error {
			return rows.Scan(&one.Prefix, &one.Count, &one.Callbacks)
		}, `SELECT prefix, count(*) - sum(callback), sum(callback) FROM (
			SELECT substr(credential, 1, ?) AS prefix, 0 AS callback FROM deliveries WHERE `+isQueued+`
			UNION ALL SELECT substr(credential, 1, ?), 0 FROM deliveries WHERE `+isClaimed+`
			UNION ALL SELECT substr(secret, 1, ?), 1 FROM callback_endpoints) waiting
			GROUP BY prefix ORDER BY prefix`, seal.PrefixSize, seal.PrefixSize, seal.PrefixSize)
		return err
	})
	return seals, err
}
