package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/access"
)

const (
	// maxBatchBytes is the size of the data at which a batch is full.
	maxBatchBytes = 256 << 10
	// maxStatementBatches is the maximum number of batches in a statement.
	maxStatementBatches = 64
)

// An auditBatch is some entries of one caller: at most access.MaxBatchEntries, within
// access.MaxBatchSpan.
type auditBatch struct {
	id                  int64
	firstTime, lastTime int64
	count               int
	caller              string
	resources           []byte // the hashes of the resources, by encodeHashes
	data                []byte // the entries, by batchEncoder
}

// packEntries returns entries in batches. Those of one time, id and caller are packed once.
func packEntries(entries []access.AuditEntry) []auditBatch {
	type entryAt struct {
		micros int64
		entry  *access.AuditEntry
	}
	all := make([]entryAt, len(entries))
	for i := range entries {
		all[i] = entryAt{micros(entries[i].Time), &entries[i]}
	}
	slices.SortFunc(all, func(a, b entryAt) int { // of one caller the latest first, as a batch has them
		return cmp.Or(strings.Compare(a.entry.Caller, b.entry.Caller), cmp.Compare(b.micros, a.micros), strings.Compare(b.entry.ID, a.entry.ID))
	})
	var p batchPacker
	for _, e := range all {
		p.add(e.micros, e.entry)
	}
	p.finish()
	return p.batches
}

// A batchPacker fills one batch after another.
type batchPacker struct {
	batches []auditBatch // the full ones
	batch   auditBatch   // the open one; without entries at first
	encoder batchEncoder // has its entries
	hashes  []uint32     // of its resources
	buffer  []byte       // for a resource
}

func (p *batchPacker) add(micros int64, e *access.AuditEntry) {
	if b := p.batch; b.count > 0 {
		if b.caller == e.Caller && b.firstTime == micros && p.encoder.previous.ID == e.ID {
			return
		}
		if b.caller != e.Caller || b.count == access.MaxBatchEntries || len(p.encoder.data) >= maxBatchBytes ||
			uint64(b.lastTime)-uint64(micros) > uint64(access.MaxBatchSpan.Microseconds()) {
			p.finish()
		}
	}
	if p.batch.count == 0 {
		p.batch.caller, p.batch.lastTime = e.Caller, micros
	}
	p.batch.firstTime = micros
	p.batch.count++
	p.encoder.add(micros, e)
	if e.Resource != "" {
		p.buffer = append(p.buffer[:0], e.Resource...)
		p.hashes = append(p.hashes, resourceHash(p.buffer))
	}
}

// finish closes the open batch.
func (p *batchPacker) finish() {
	p.batch.data, p.batch.resources = p.encoder.finish(), encodeHashes(p.hashes)
	p.batches = append(p.batches, p.batch)
	p.batch, p.hashes = auditBatch{}, p.hashes[:0]
}

// batchTypes are the types of the columns of a new batch in PostgreSQL.
var batchTypes = []string{"bigint", "bigint", "bigint", "text", "bytea", "bytea"}

// insertBatches stores batches.
func insertBatches(ctx context.Context, t *database.Tx, batches []auditBatch) error {
	for some := range database.ChunkRows(t, batches, maxStatementBatches) {
		all := make([]any, 0, len(batchTypes)*len(some))
		for _, b := range some {
			all = append(all, b.firstTime, b.lastTime, b.count, b.caller, b.resources, b.data)
		}
		rows, args := t.ValueRows(batchTypes, all)
		if _, err := t.Exec(ctx, `INSERT INTO audit_batches (first_time, last_time, entry_count, caller, resources, data) `+rows, args...); err != nil {
			return err
		}
	}
	return nil
}
