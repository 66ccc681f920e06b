package ledger

import (
	"cmp"
	"context"
	"slices"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// RecordReads records that deliveries were read.
func (s *Store) RecordReads(ctx context.Context, reads []alert.DeliveryRead) (changed []int64, err error) {
	first := slices.SortedFunc(slices.Values(reads), func(a, b alert.DeliveryRead) int {
		return cmp.Or(cmp.Compare(a.DeliveryID, b.DeliveryID), a.Time.Compare(b.Time))
	})
	first = slices.CompactFunc(first, func(a, b alert.DeliveryRead) bool { return a.DeliveryID == b.DeliveryID })
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		changed = nil
		for some := range slices.Chunk(first, maxStatementRows) {
			unread, err := lockUnread(ctx, t, some)
			if err != nil {
				return err
			}
			if err := setRead(ctx, t, some, unread); err != nil {
				return err
			}
			if err := reportReads(ctx, t, unread, micros(s.ids.now())); err != nil {
				return err
			}
			changed = append(changed, unread...)
		}
		return nil
	})
	return changed, err
}

// lockUnread locks the deliveries of reads that exist and were not read before, and returns their
// ids in ascending order.
func lockUnread(ctx context.Context, t *database.Tx, reads []alert.DeliveryRead) (unread []int64, err error) {
	ids := make([]int64, len(reads))
	for i, r := range reads {
		ids[i] = r.DeliveryID
	}
	for some := range database.ChunkLists(t, ids, maxStatementRows) {
		in, args := database.In(t, some)
		found, err := selectNumbers(ctx, t, `SELECT id FROM deliveries WHERE id `+in+` AND receipt_status <> '`+alert.ReadStatus+`' ORDER BY id`+forUpdate(t), args...)
		if err != nil {
			return nil, err
		}
		unread = append(unread, found...)
	}
	return withoutDeleted(ctx, t, unread, lockAgainstDeletion(t))
}

// setRead sets the receipts of unread deliveries.
func setRead(ctx context.Context, t *database.Tx, reads []alert.DeliveryRead, unread []int64) error {
	reads = slices.DeleteFunc(slices.Clone(reads), func(r alert.DeliveryRead) bool {
		_, ok := slices.BinarySearch(unread, r.DeliveryID)
		return !ok
	})
	for some := range database.ChunkRows(t, reads, maxStatementRows) {
		all := make([]any, 0, 3*len(some))
		for _, r := range some {
			all = append(all, r.DeliveryID, micros(r.Time), messenger.Message{DeliveryID: r.DeliveryID}.IdempotencyHandle())
		}
		rows, args := t.ValueRows([]string{"bigint", "bigint", "text"}, all)
		if _, err := t.Exec(ctx, `WITH v (id, read_time, message) AS (`+rows+`)
			UPDATE`+orRollback(t)+` deliveries SET receipt_message = v.message, receipt_status = '`+alert.ReadStatus+`', receipt_code = '',
			receipt_time = v.read_time, receipt_final = true, receipt_failed = false `+joinValues, args...); err != nil {
			return err
		}
	}
	return nil
}
