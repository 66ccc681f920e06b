package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

const (
	// maxDigest is the maximum number of deliveries of a digest.
	maxDigest = 1000
	// maxDigestBytes bounds the job of a digest: the default payload limit of a broker is a
	// megabyte.
	maxDigestBytes = 512 << 10
	// digestUsers is the number of users whose held-back deliveries are read by one statement:
	// there may be many more than are returned.
	digestUsers = 8
	// digestDeliveryBytes is the size of a delivery in a job beside its variable fields.
	digestDeliveryBytes = 100
)

// withDueDigests returns due with the other held-back deliveries that are due until then to the
// users of those in it, so that they become few messages. It returns at most limit held-back
// ones, user by user; the next call returns those of the other users. Without a held-back
// delivery it runs no query.
func withDueDigests(ctx context.Context, t *database.Tx, due []dueDelivery, now, until int64, limit int) ([]dueDelivery, error) {
	var users []string
	for _, d := range due {
		if d.hold != alert.HoldNone {
			users = append(users, d.Nickname)
		}
	}
	if len(users) == 0 {
		return due, nil
	}
	slices.Sort(users)
	held, err := selectDueDigests(ctx, t, slices.Compact(users), now, until, limit)
	if err != nil {
		return nil, err
	}
	plain := slices.DeleteFunc(due, func(d dueDelivery) bool { return d.hold != alert.HoldNone })
	return append(plain, held...), nil
}

// selectDueDigests returns at most limit held-back deliveries to users that are due until a
// time, those of an address together. If there are more, it returns all of an address or none,
// unless it is the only one. The condition repeats that of the partial index on held-back
// deliveries, state <= 1 in place of state = 1, by which PostgreSQL cannot use another index.
func selectDueDigests(ctx context.Context, t *database.Tx, users []string, now, until int64, limit int) ([]dueDelivery, error) {
	var held []dueDelivery
	for some := range database.ChunkRows(t, users, digestUsers) {
		in, args := database.In(t, some)
		found, err := database.Select(ctx, t, func(rows *sql.Rows, d *dueDelivery) error { return rows.Scan(append(d.columns(), &d.rank)...) },
			`SELECT `+dueColumns+`, rank FROM deliveries
			WHERE nickname `+in+` AND (hold <> 0) AND (state <= `+sqlQueued+`) AND next_time <= ? AND expire_time > ? AND next_time < expire_time
			ORDER BY nickname, messenger, next_time, id LIMIT ?`+skipLocked(t), append(args, until, now, limit-len(held))...)
		if err != nil {
			return nil, err
		}
		if held = append(held, found...); len(held) == limit {
			return withoutLastAddress(held), nil
		}
	}
	return held, nil
}

// withoutLastAddress returns held without the deliveries to the last address, unless all are.
func withoutLastAddress(held []dueDelivery) []dueDelivery {
	last := len(held) - 1
	i := slices.IndexFunc(held, func(d dueDelivery) bool {
		return d.Nickname == held[last].Nickname && d.messenger == held[last].messenger
	})
	if i == 0 {
		return held
	}
	return held[:i]
}

// A dueDigest is the deliveries of a digest, with a line for each.
type dueDigest struct {
	deliveries []dueDelivery
	lines      []string
	bytes      int
}

// digestsOf returns the held-back deliveries of due as digests, each of one address, and the
// others, with those that are alone.
func digestsOf(due []dueDelivery, alerts map[int64]alert.Alert) (digests []dueDigest, rest []dueDelivery) {
	if !slices.ContainsFunc(due, func(d dueDelivery) bool { return d.hold != alert.HoldNone }) {
		return nil, due
	}
	type address struct{ nickname, messenger, destination, credential string }
	open := map[address]int{} // the digest that is not full yet
	for _, d := range byUrgency(due) {
		if d.hold == alert.HoldNone {
			rest = append(rest, d)
			continue
		}
		line := alerts[d.alert].DigestLine()
		bytes := digestDeliveryBytes + len(line) + len(d.Nickname) + len(d.Destination) + len(d.SealedCredential) + len(d.CredentialFingerprint) + len(d.Slots)
		to := address{d.Nickname, d.messenger, d.Destination, d.CredentialFingerprint}
		i, ok := open[to]
		if !ok || len(digests[i].lines) == maxDigest || digests[i].bytes+bytes > maxDigestBytes {
			i = len(digests)
			open[to] = i
			digests = append(digests, dueDigest{})
		}
		g := &digests[i]
		g.deliveries, g.lines, g.bytes = append(g.deliveries, d), append(g.lines, line), g.bytes+bytes
	}
	digests = slices.DeleteFunc(digests, func(g dueDigest) bool {
		if len(g.lines) == 1 {
			rest = append(rest, g.deliveries[0])
		}
		return len(g.lines) == 1
	})
	return digests, byUrgency(rest)
}

// byUrgency returns deliveries in the order in which TakeDue returns them.
func byUrgency(due []dueDelivery) []dueDelivery {
	return slices.SortedStableFunc(slices.Values(due), func(a, b dueDelivery) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.next, b.next), cmp.Compare(a.ID, b.ID))
	})
}

// job returns the job of a digest, due at now or later. Its content is that of the first
// delivery, one of the most urgent.
func (g dueDigest) job(alerts map[int64]alert.Alert, now int64) alert.DueJob {
	first := g.deliveries[0]
	a := alerts[first.alert]
	due := alert.DueJob{Job: job.Job{AlertID: first.alert, Messenger: first.messenger, Rank: first.rank, Content: a.Content(first.messenger), Trace: a.Trace}}
	due.Content.DigestLines = g.lines
	next := now
	for _, d := range g.deliveries {
		due.Deliveries = append(due.Deliveries, d.Delivery)
		next = max(next, d.next)
	}
	due.Time = fromMicros(next)
	return due
}
