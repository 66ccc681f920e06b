package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A thread is the deliveries of one alert key to one address, which are sent one at a time. At
// most one of them is unblocked, either queued or claimed; the others are blocked: their rows
// are queued and held until the year 9999, and resume_time is when they are due afterwards. So
// claims, expiry and cancellation work without knowledge of threads.
//
// A transaction that adds a delivery to a thread, or locks one that is neither unblocked nor
// claimed, settles the thread, under the lock of the thread's row, which it acquires after those
// of deliveries. A settlement does not wait for deliveries that another transaction has locked,
// because that could deadlock: it treats them as in use, and the other transaction settles the
// thread afterwards. Deliveries of new alerts are settled before they are inserted, except for
// those of threads with failover chains. Deliveries without a thread cost nothing here.

// blockedUntil is the next time of blocked deliveries, in the year 9999.
const blockedUntil = 253_370_764_800_000_000

// threadPrefix returns the thread prefix of a key by the id of its first alert. Prefixes are
// unique and ascend, so that new rows are next to each other in the indexes of threads.
func threadPrefix(first int64) string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(first)))
}

// afterPrefix continues a thread prefix to a text after all names that begin with it, in each
// collation: names have digits and letters up to v.
const afterPrefix = "w"

// threadDigest is the encoding of digests in the names of threads.
var threadDigest = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// threadOf returns the name of the thread of an alert key with a thread prefix and an address. A
// user has one address for each messenger, so a thread survives a change of the destination.
func threadOf(prefix, key string, d *alert.Delivery) string {
	if prefix == "" {
		sum := sha256.Sum256([]byte(key + "\x00" + d.Nickname + "\x00" + d.Messenger))
		return base64.RawURLEncoding.EncodeToString(sum[:24])
	}
	sum := sha256.Sum256([]byte(d.Nickname + "\x00" + d.Messenger))
	return prefix + threadDigest.EncodeToString(sum[:15])
}

// A threadKind is the kind of a delivery in its thread.
type threadKind int

// The stored kinds of deliveries.
const (
	updateKind         threadKind = iota // of an update of the incident, or of a resolved alert
	repeatKind                           // of a repeat: canceled if the address was notified of the state that it repeats
	acknowledgmentKind                   // of an acknowledged alert
)

// A thread is a row of the table threads.
type thread struct {
	name     string
	notified bool
	resolved int64 // the order of the last resolved alert
	sent     int64 // the order of the last firing alert that was, or may have been, sent; 0 or less for none
	update   int64 // the order of the last update of the key when the last alert of the thread was recorded

	reference threadReference
}

// A threadReference is the message of an incident at an address, as its messenger refers to it.
// It is zero for none.
type threadReference struct {
	incident    int64
	destination string // that the message was sent to
	text        string // see messenger.Outcome.Reference
}

// previous returns the reference for a delivery, if it is of the same incident and to the same
// destination; otherwise it returns "".
func (r threadReference) previous(incident int64, destination string) string {
	if r.incident == 0 || r.incident != incident || r.destination != destination {
		return ""
	}
	return r.text
}

// sqlNewThread is the sent order of a thread that was inserted, until the next alert is recorded
// in it.
const (
	newThread    = -1
	sqlNewThread = `-1`
)

// isNew reports whether the thread was inserted by the statement that returned it.
func (th *thread) isNew() bool { return th.sent < 0 }

// threadColumns are the columns of a thread, in the order of scan.
const threadColumns = `name, notified, resolved_order, sent_order, update_order, incident, reference, reference_destination`

func (th *thread) scan(rows *sql.Rows) error {
	return rows.Scan(&th.name, &th.notified, &th.resolved, &th.sent, &th.update,
		&th.reference.incident, &th.reference.text, &th.reference.destination)
}

// isNotifiedOf reports whether the update with an order, or a later firing alert, was, or may
// have been, sent since the last resolved alert.
func (th *thread) isNotifiedOf(update int64) bool { return th.notified && th.sent >= update }

// A threadRow is a delivery of a thread that is not completed.
type threadRow struct {
	id, order, chain   int64
	thread             string
	resolves, canceled bool
	deferred           bool
	state              alert.State
	next, resume       int64
	attempts           int
	callback           int64 // the id of its callback endpoint; 0 for none
	kind               threadKind
	hold               alert.Hold
}

// A threadChange is the change that an attempt makes to its thread.
type threadChange struct {
	thread    string
	notifies  bool             // it sets notified and order
	notified  bool             // a firing alert was, or may have been, sent; false after a resolved one was sent
	order     int64            // of the firing alert
	reference *threadReference // the message that later ones refer to; nil for no change
}

// threadChangeOf returns the change that an attempt makes to the thread of its delivery, or nil.
// The incident of its reference is not set.
func threadChangeOf(c claimedRow, o messenger.Outcome, state alert.State) *threadChange {
	if c.thread == "" {
		return nil
	}
	change := threadChange{thread: c.thread}
	switch {
	case c.kind == acknowledgmentKind:
	case !c.resolves && (o.Kind == messenger.Sent || o.Kind == messenger.Unknown):
		change.notifies, change.notified, change.order = true, true, c.order
	case c.resolves && state == alert.Sent:
		change.notifies = true
	}
	switch {
	case o.PreviousGone:
		change.reference = &threadReference{}
	case o.Kind == messenger.Sent && o.Reference != "":
		change.reference = &threadReference{text: o.Reference, destination: c.destination}
	}
	if !change.notifies && change.reference == nil {
		return nil
	}
	return &change
}

// settleThreads settles threads whose deliveries have been written; it ignores the empty name.
// It first records the changes by attempts. Firing deliveries that a resolved alert follows and that
// cannot have been received are canceled as superseded, and so are held-back ones that a later
// firing one replaces; resolved and acknowledged ones without a received firing one as not needed,
// repeats of a received state as repeated, and the first of the remaining deliveries is unblocked.
func settleThreads(ctx context.Context, t *database.Tx, names []string, attempts []*threadChange, now int64) error {
	for some := range database.ChunkRows(t, distinct(names), maxStatementRows) {
		threads, err := lockThreads(ctx, t, some)
		if err != nil {
			return err
		}
		if err := writeThreadChanges(ctx, t, threads, attempts); err != nil {
			return err
		}
		rows, err := selectThreadRows(ctx, t, some)
		if err != nil {
			return err
		}
		possiblySent, err := selectPossiblySent(ctx, t, rows)
		if err != nil {
			return err
		}
		var s settlement
		for len(rows) > 0 {
			end := slices.IndexFunc(rows, func(r threadRow) bool { return r.thread != rows[0].thread })
			if end < 0 {
				end = len(rows)
			}
			s.settle(threads[rows[0].thread], rows[:end], possiblySent)
			rows = rows[end:]
		}
		if err := s.write(ctx, t, now); err != nil {
			return err
		}
		if err := cancelRepeatedChains(ctx, t, s.repeated, now); err != nil {
			return err
		}
	}
	return nil
}

// cancelRepeatedChains cancels the other deliveries of the chains of repeated ones, and settles
// their threads.
func cancelRepeatedChains(ctx context.Context, t *database.Tx, repeated []threadRow, now int64) error {
	var chains []int64
	for _, r := range repeated {
		if r.chain != 0 {
			chains = append(chains, r.chain)
		}
	}
	if len(chains) == 0 {
		return nil
	}
	threads, err := cancelRestOfChains(ctx, t, inOrder(chains), alert.Repeated, now)
	if err != nil {
		return err
	}
	return settleThreads(ctx, t, threads, nil, now)
}

// lockThreads returns threads by name, locked in the order of their names.
func lockThreads(ctx context.Context, t *database.Tx, names []string) (map[string]thread, error) {
	in, args := database.In(t, names)
	found, err := database.Select(ctx, t, func(rows *sql.Rows, th *thread) error { return th.scan(rows) },
		`SELECT `+threadColumns+` FROM threads WHERE name `+in+` ORDER BY name`+forUpdate(t), args...)
	threads := make(map[string]thread, len(found))
	for _, th := range found {
		threads[th.name] = th
	}
	return threads, err
}

// writeThreadChanges records the changes by attempts in locked threads.
func writeThreadChanges(ctx context.Context, t *database.Tx, threads map[string]thread, attempts []*threadChange) error {
	for _, c := range attempts { // few attempts change a thread
		th, ok := threads[c.thread]
		if !ok {
			continue
		}
		before := th
		if c.notifies {
			th.notified, th.sent = c.notified, max(th.sent, c.order)
		}
		if c.reference != nil {
			th.reference = *c.reference
		}
		if th == before {
			continue
		}
		threads[c.thread] = th
		if _, err := t.Exec(ctx, `UPDATE threads SET notified = ?, sent_order = ?, incident = ?, reference = ?, reference_destination = ? WHERE name = ?`,
			th.notified, th.sent, th.reference.incident, th.reference.text, th.reference.destination, th.name); err != nil {
			return err
		}
	}
	return nil
}

// selectThreadRows returns the deliveries of threads that are not completed, sorted by thread and
// order. It locks them; those that another transaction has locked are returned as claimed and
// canceled. The condition repeats that of the partial index on threads.
func selectThreadRows(ctx context.Context, t *database.Tx, names []string) ([]threadRow, error) {
	in, args := database.In(t, names)
	open := ` FROM deliveries WHERE thread ` + in + ` AND (thread_order <> 0) AND (` + isOpen + `) ORDER BY thread, thread_order, id`
	locked, err := database.Select(ctx, t, func(rows *sql.Rows, r *threadRow) error {
		return rows.Scan(&r.id, &r.thread, &r.order, &r.resolves, &r.canceled, &r.state, &r.deferred, &r.chain, &r.next, &r.resume, &r.attempts, &r.callback, &r.kind, &r.hold)
	}, `SELECT id, thread, thread_order, resolves, canceled, state, deferred, chain, next_time, resume_time, attempt_count, callback, thread_kind, hold`+open+skipLocked(t), args...)
	if err != nil || !t.Postgres() {
		return locked, err
	}
	all, err := database.Select(ctx, t, func(rows *sql.Rows, r *threadRow) error {
		r.state, r.canceled = alert.Claimed, true
		return rows.Scan(&r.id, &r.thread, &r.order)
	}, `SELECT id, thread, thread_order`+open, args...)
	for i, r := range all {
		if len(locked) > 0 && locked[0].id == r.id {
			all[i], locked = locked[0], locked[1:]
		}
	}
	return all, err
}

// selectPossiblySent returns which of rows may have been received.
func selectPossiblySent(ctx context.Context, t *database.Tx, rows []threadRow) (map[int64]bool, error) {
	var attempted []int64
	for _, r := range rows {
		if r.attempts > 0 && !r.resolves {
			attempted = append(attempted, r.id)
		}
	}
	possiblySent := map[int64]bool{}
	for some := range database.ChunkRows(t, attempted, maxStatementRows) {
		in, args := database.In(t, some)
		found, err := selectNumbers(ctx, t, `SELECT DISTINCT delivery_id FROM attempts WHERE delivery_id `+in+` AND kind IN (`+sqlSentOutcome+`, `+sqlUnknownOutcome+`)`, args...)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			possiblySent[id] = true
		}
	}
	return possiblySent, nil
}

// selectThreads returns the threads of deliveries that match a condition.
func selectThreads(ctx context.Context, t *database.Tx, condition string, args ...any) ([]string, error) {
	return database.Select(ctx, t, func(rows *sql.Rows, name *string) error { return rows.Scan(name) },
		`SELECT DISTINCT thread FROM deliveries WHERE `+condition+` AND thread_order <> 0`, args...)
}
