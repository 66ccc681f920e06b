package ledger

import (
	"context"
	"database/sql"
	"slices"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// CredentialOf returns the sealed credential that a delivery was sent with.
func (s *Store) CredentialOf(ctx context.Context, delivery int64, messenger string) (d alert.Delivery, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		found, err := database.Select(ctx, t, func(rows *sql.Rows, d *alert.Delivery) error {
			return rows.Scan(&d.SealedCredential, &d.Nickname, &d.Destination)
		}, `SELECT credential, nickname, destination FROM deliveries WHERE id = ? AND messenger = ?
			AND EXISTS (SELECT 1 FROM alerts WHERE alerts.id = deliveries.alert_id)`, delivery, messenger)
		if err == nil && len(found) == 0 {
			return fault.WithResource(fault.NotFoundf("delivery %d by %q not found", delivery, messenger), "delivery", delivery)
		}
		if len(found) > 0 {
			d = found[0]
		}
		return err
	})
	return d, err
}

// A receiptRow is the delivery of a receipt.
type receiptRow struct {
	id, chain int64
	state     alert.State
	message   string // the message id of its current receipt, if any
	status    string // of that receipt
	callback  int64  // the id of its callback endpoint; 0 for none
	final     bool
}

// RecordReceipt records a receipt and applies its effects.
func (s *Store) RecordReceipt(ctx context.Context, delivery int64, r alert.Receipt) error {
	r.MessageID, r.Status, r.Code = storableText(r.MessageID), storableText(r.Status), storableText(r.Code)
	if r.MessageID == "" || r.Status == "" || r.Time.IsZero() || r.Failed && !r.Final {
		return fault.Invalidf("receipt: message id, status and time are required, and a failed receipt must be final")
	}
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		found, err := database.Select(ctx, t, func(rows *sql.Rows, d *receiptRow) error {
			return rows.Scan(&d.id, &d.chain, &d.state, &d.message, &d.status, &d.final, &d.callback)
		}, `SELECT id, chain, state, receipt_message, receipt_status, receipt_final, callback FROM deliveries WHERE id = ?`+forUpdate(t), delivery)
		if err != nil {
			return err
		}
		kept, err := withoutDeleted(ctx, t, []int64{delivery}, lockAgainstDeletion(t))
		if err != nil {
			return err
		}
		if len(found) == 0 || len(kept) == 0 {
			return fault.WithResource(fault.NotFoundf("delivery %d not found", delivery), "delivery", delivery)
		}
		d := found[0]
		messages, err := database.Select(ctx, t, func(rows *sql.Rows, id *string) error { return rows.Scan(id) },
			`SELECT message_id FROM attempts WHERE delivery_id = ? AND message_id <> '' ORDER BY number DESC`, delivery)
		if err != nil || !d.isNewer(r, messages) {
			return err
		}
		if _, err := t.Exec(ctx, `UPDATE deliveries SET receipt_message = ?, receipt_status = ?, receipt_code = ?,
			receipt_time = ?, receipt_final = ?, receipt_failed = ? WHERE id = ?`,
			r.MessageID, r.Status, r.Code, micros(r.Time), r.Final, r.Failed, d.id); err != nil {
			return err
		}
		if r.Status == alert.ReadStatus && (d.status != r.Status || d.message != r.MessageID) {
			if err := reportReads(ctx, t, []int64{d.id}, micros(r.Time)); err != nil {
				return err
			}
		}
		if !r.Failed || d.state != alert.Sent || !slices.Contains(messages, r.MessageID) {
			return nil
		}
		return failUndelivered(ctx, t, d, micros(r.Time))
	})
}

// isNewer reports whether a receipt is newer than the current one of a delivery, whose attempts
// have messages, newest first. A message without an attempt is the newest: its attempt is not
// reported yet, or its outcome is Unknown.
func (d receiptRow) isNewer(r alert.Receipt, messages []string) bool {
	if r.MessageID == d.message {
		return !d.final
	}
	newer := d.message != "" && !slices.Contains(messages, d.message)
	switch slices.Index(messages, r.MessageID) {
	case -1:
		return true
	case 0:
		return !newer
	default:
		return false
	}
}

// failUndelivered makes a sent delivery Failed, and resumes its chain.
func failUndelivered(ctx context.Context, t *database.Tx, d receiptRow, now int64) error {
	if _, err := t.Exec(ctx, `UPDATE deliveries SET state = `+sqlFailed+`, reason = '`+alert.Undelivered+`', end_time = ? WHERE id = ?`, now, d.id); err != nil {
		return err
	}
	if err := reportEnds(ctx, t, []reportedDelivery{{d.id, d.callback}}, now); err != nil {
		return err
	}
	if d.chain == 0 {
		return nil
	}
	if err := resumeChain(ctx, t, d, now); err != nil {
		return err
	}
	threads, err := selectThreads(ctx, t, `chain = ? AND chain <> 0`, d.chain)
	if err != nil {
		return err
	}
	return settleThreads(ctx, t, threads, nil, now)
}

// resumeChain resumes the chain of a delivery that was not delivered, unless another delivery
// of the chain was sent.
func resumeChain(ctx context.Context, t *database.Tx, d receiptRow, now int64) error {
	others, err := database.Select(ctx, t, func(rows *sql.Rows, state *alert.State) error { return rows.Scan(state) },
		`SELECT state FROM deliveries WHERE chain = ? AND chain <> 0 ORDER BY id`+forUpdate(t), d.chain)
	if err != nil || slices.Contains(others, alert.Sent) {
		return err
	}
	// The cancellation of the rest of the chain left the other columns unchanged. Deliveries
	// that were claimed then are marked as canceled, and so are those of an alert that was
	// canceled later.
	if _, err := t.Exec(ctx, `UPDATE deliveries SET state = `+sqlQueued+`, reason = '', end_time = 0 WHERE chain = ? AND chain <> 0
		AND `+rowCanceled+` AND reason = '`+alert.NotNeeded+`' AND NOT canceled AND expire_time > ?`, d.chain, now); err != nil {
		return err
	}
	_, err = releaseNextOfChains(ctx, t, []int64{d.chain}, now)
	return err
}
