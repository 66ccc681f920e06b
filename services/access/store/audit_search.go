package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/access"
)

// minBatchPage and maxBatchPage are how many batches the first statement of a query reads, which
// often suffices, and how many a later one reads at most. The latter is a power of two.
const minBatchPage, maxBatchPage = 4, 64

// An auditSearch collects the entries of a query.
type auditSearch struct {
	access.AuditQuery
	from, before int64               // the range of times: from <= time < before
	entries      []access.AuditEntry // the first that are found, at most Limit; in the order of the query
}

func newAuditSearch(q access.AuditQuery) *auditSearch {
	s := &auditSearch{AuditQuery: q, from: math.MinInt64, before: math.MaxInt64}
	if !q.From.IsZero() {
		s.from = ceilMicro(q.From)
	}
	if !q.Before.IsZero() {
		s.before = ceilMicro(q.Before)
	}
	if at := micros(q.After.Time); q.After.ID != "" && at < s.before {
		s.before = at + 1 // entries of the time of the cursor follow it too, by their ids
	}
	return s
}

// searchBatches adds the entries of batches. It reads batches by their last entry, the latest first,
// until no other batch can have an entry before the last one that is found.
func (s *auditSearch) searchBatches(ctx context.Context, t *database.Tx) error {
	var last *auditBatch
	for size := minBatchPage; ; size = min(2*size, maxBatchPage) {
		page, err := s.selectBatches(ctx, t, last, size)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := s.searchPage(ctx, t, page); err != nil {
			return err
		}
		last = &page[len(page)-1]
		if len(page) < size || s.isComplete(last.lastTime) {
			return nil
		}
	}
}

// isComplete reports whether no entry up to a time can be among the entries of the query, except
// for one that is found already. One of that time could, by its id.
func (s *auditSearch) isComplete(until int64) bool {
	return len(s.entries) == s.Limit && micros(s.entries[s.Limit-1].Time) > until
}

// selectBatches returns the batches after one that may have entries of the query, at most limit,
// without their data. The bounds of last_time are those of an index; as no batch is longer than
// access.MaxBatchSpan, few batches beyond the range of times are read.
func (s *auditSearch) selectBatches(ctx context.Context, t *database.Tx, after *auditBatch, limit int) ([]auditBatch, error) {
	columns := `id, first_time, last_time, entry_count, caller`
	if s.Resource != "" {
		columns += `, resources`
	}
	var all conditions
	if s.Caller != "" {
		all.add(`caller = ?`, s.Caller)
	}
	if s.from != math.MinInt64 {
		all.add(`last_time >= ?`, s.from)
	}
	if s.before != math.MaxInt64 {
		all.add(`first_time < ?`, s.before)
		if end := s.before + access.MaxBatchSpan.Microseconds(); end > s.before && after == nil {
			all.add(`last_time < ?`, end)
		}
	}
	if after != nil {
		all.add(`last_time <= ?`, after.lastTime)
		all.add(`(last_time, id) < (?, ?)`, after.lastTime, after.id)
	}
	scan := func(rows *sql.Rows, b *auditBatch) error {
		to := []any{&b.id, &b.firstTime, &b.lastTime, &b.count, &b.caller}
		if s.Resource != "" {
			to = append(to, &b.resources)
		}
		return rows.Scan(to...)
	}
	return database.Select(ctx, t, scan, `SELECT `+columns+` FROM audit_batches `+all.where()+` ORDER BY last_time DESC, id DESC LIMIT ?`, append(all.args, limit)...)
}

// searchPage adds the entries of some batches, and reads the data of those that may have some.
func (s *auditSearch) searchPage(ctx context.Context, t *database.Tx, page []auditBatch) error {
	var wanted []auditBatch
	var ids []int64
	for _, b := range page {
		if s.isComplete(b.lastTime) {
			break
		}
		if s.Resource != "" {
			if has, err := hasHash(b.resources, resourceHash([]byte(s.Resource))); err != nil {
				return corruptBatch(b.id, err)
			} else if !has {
				continue
			}
		}
		wanted, ids = append(wanted, b), append(ids, b.id)
	}
	if len(wanted) == 0 {
		return nil
	}
	data, err := selectData(ctx, t, ids)
	if err != nil {
		return err
	}
	for _, b := range wanted {
		if s.isComplete(b.lastTime) {
			return nil
		}
		b.data = data[b.id]
		found, err := s.searchBatch(b)
		if err != nil {
			return corruptBatch(b.id, err)
		}
		s.entries = mergeEntries(s.entries, found, s.Limit)
	}
	return nil
}

// selectData returns the data of batches by their ids.
func selectData(ctx context.Context, t *database.Tx, ids []int64) (map[int64][]byte, error) {
	byID := make(map[int64][]byte, len(ids))
	for some := range database.ChunkLists(t, ids, maxBatchPage) {
		in, args := database.In(t, some)
		rows, err := database.Select(ctx, t, func(rows *sql.Rows, b *auditBatch) error { return rows.Scan(&b.id, &b.data) },
			`SELECT id, data FROM audit_batches WHERE id `+in, args...)
		if err != nil {
			return nil, err
		}
		for _, b := range rows {
			byID[b.id] = b.data
		}
	}
	return byID, nil
}

// corruptBatch returns the error for a batch that cannot be read.
func corruptBatch(id int64, err error) error {
	return fmt.Errorf("batch %d of the audit log cannot be read: %w; restore a backup, or delete the row of audit_batches to list the others", id, err)
}

// searchBatch returns the first entries of a batch that the query selects, at most Limit, and not
// those after the last one that is needed.
func (s *auditSearch) searchBatch(b auditBatch) (found []access.AuditEntry, err error) {
	d, err := newBatchDecoder(b.data)
	if err != nil {
		return nil, err
	}
	for d.next() {
		if d.count == 1 && d.micros != b.lastTime {
			return nil, errBatchRow
		}
		if d.micros < s.from || s.isComplete(d.micros) || len(found) == s.Limit {
			return found, nil
		}
		if s.selects(d.micros, &d.entry) {
			e := d.entry
			e.Caller = b.caller
			found = append(found, e)
		}
	}
	if d.err != nil {
		return nil, d.err
	}
	if d.count != b.count || d.micros != b.firstTime {
		return nil, errBatchRow
	}
	return found, nil
}

var errBatchRow = errors.New("its data does not match its row")

// selects reports whether the query selects an entry of a batch with the caller of the query.
func (s *auditSearch) selects(at int64, e *access.AuditEntry) bool {
	if at < s.from || at >= s.before || s.Resource != "" && e.Resource != s.Resource {
		return false
	}
	if s.After.ID != "" && comparePlaces(at, e.ID, micros(s.After.Time), s.After.ID) >= 0 {
		return false
	}
	method, ok := strings.CutPrefix(e.Procedure, s.Procedure)
	return s.Procedure == "" || ok && (method == "" || method[0] == '/')
}

// mergeEntries returns the first of two lists in the order of a query, at most limit. It drops
// entries that are in both.
func mergeEntries(a, b []access.AuditEntry, limit int) []access.AuditEntry {
	if len(b) == 0 {
		return a
	}
	merged := make([]access.AuditEntry, 0, min(limit, len(a)+len(b)))
	for len(merged) < limit && len(a)+len(b) > 0 {
		order := 1
		switch {
		case len(a) == 0:
			order = -1
		case len(b) > 0:
			order = comparePlaces(micros(a[0].Time), a[0].ID, micros(b[0].Time), b[0].ID)
		}
		if order >= 0 {
			merged, a = append(merged, a[0]), a[1:]
		} else {
			merged = append(merged, b[0])
		}
		if order <= 0 {
			b = b[1:]
		}
	}
	return merged
}

// comparePlaces orders the places of entries: their times, and then their ids.
func comparePlaces(a int64, aID string, b int64, bID string) int {
	return cmp.Or(cmp.Compare(a, b), strings.Compare(aID, bID))
}
