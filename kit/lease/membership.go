package lease

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	memberPrefix, shardPrefix = "member.", "shard."
	// markerAge is the age at which the markers of members that have left are deleted.
	markerAge = time.Hour
	// watchTimeout is the time without a change of the own record, which is renewed, after which
	// the subscription to the bucket is begun anew.
	watchTimeout = 10 * time.Second
)

// errExpelled is the error of a member whose record another one has deleted.
var errExpelled = errors.New("the record of this member was deleted")

// A membership is the membership of a process from when it joins until it leaves or is expelled.
// Only run uses it.
type membership struct {
	shards *Shards
	kv     jetstream.KeyValue
	id     string // unique for this membership

	revision  uint64    // of the own record
	renewTime time.Time // of the next renewal
	ownSeen   time.Time // when the subscription last delivered the own record
	failing   bool      // the last renewal failed

	members  map[string]record   // that have not left, this one among them, by id
	departed map[string]struct{} // that have left or were expelled
	owners   [shardCount]owner
	drained  [shardCount]time.Time // when a shard that is to be handed over is; zero for the others
}

// A record is the record of a member.
type record struct {
	revision uint64
	seen     time.Time // when its last renewal was seen
}

// An owner is the record of a shard.
type owner struct {
	id       string // of the member; empty for none
	revision uint64 // 0 for a shard that never had an owner
	seen     time.Time
}

// newMembership writes the record of a new member.
func newMembership(ctx context.Context, s *Shards, kv jetstream.KeyValue) (*membership, error) {
	now := time.Now()
	m := &membership{shards: s, kv: kv, id: rand.Text(), ownSeen: now, members: map[string]record{}, departed: map[string]struct{}{}}
	for i := range m.owners {
		m.owners[i].seen = now
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	revision, err := kv.Create(ctx, memberPrefix+m.id, []byte(s.member))
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	m.revision, m.renewTime = revision, now.Add(renewInterval)
	m.members[m.id] = record{revision, now}
	s.renewed(now.Add(ownTime))
	return m, nil
}

// run takes part until ctx ends, when it leaves, or the member is expelled or the bucket lost.
func (m *membership) run(ctx context.Context) error {
	defer m.leave(ctx)
	for {
		if err := m.follow(ctx); err != nil {
			return err
		}
	}
}

// follow takes part with one subscription to the bucket. It returns nil if that has to begin anew.
func (m *membership) follow(ctx context.Context) error {
	watcher, err := m.kv.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("watch leases: %w", err)
	}
	defer watcher.Stop() //nolint:errcheck // it may have ended
	ticker := time.NewTicker(stepInterval)
	defer ticker.Stop()
	m.ownSeen = time.Now()
	complete := false
	for {
		select {
		case entry, open := <-watcher.Updates():
			switch {
			case !open:
				return errors.New("watch leases: the subscription has ended")
			case entry != nil:
				m.apply(entry)
			case !complete: // the records of the bucket are complete
				complete = true
				m.deleteMarkers(ctx)
			}
			if len(watcher.Updates()) > 0 {
				continue
			}
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := m.renew(ctx); err != nil {
			return err
		}
		if m.shards.valid() && time.Since(m.ownSeen) > watchTimeout {
			return nil
		}
		if complete {
			if err := m.step(ctx); err != nil {
				return err
			}
		}
	}
}

// deleteMarkers deletes the markers of members that left long ago.
func (m *membership) deleteMarkers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := m.kv.PurgeDeletes(ctx, jetstream.DeleteMarkersOlderThan(markerAge)); err != nil && !errors.Is(err, jetstream.ErrNoKeysFound) {
		m.shards.options.Log.Debug("deleting the markers of former members failed", "error", err)
	}
}

// apply applies a change of the bucket.
func (m *membership) apply(change jetstream.KeyValueEntry) {
	now := time.Now()
	if id, ok := strings.CutPrefix(change.Key(), memberPrefix); ok {
		m.applyMember(id, change, now)
		return
	}
	if text, ok := strings.CutPrefix(change.Key(), shardPrefix); ok {
		if shard, err := strconv.Atoi(text); err == nil && shard >= 0 && shard < shardCount {
			m.setOwner(shard, owner{string(change.Value()), change.Revision(), now})
		}
	}
}

func (m *membership) applyMember(id string, change jetstream.KeyValueEntry, now time.Time) {
	if id == m.id {
		m.ownSeen = now
		return
	}
	if change.Operation() != jetstream.KeyValuePut {
		delete(m.members, id)
		m.departed[id] = struct{}{}
		return
	}
	if known, ok := m.members[id]; !ok || change.Revision() > known.revision {
		if _, ok := m.departed[id]; !ok { // ids are not used again
			m.members[id] = record{change.Revision(), now}
		}
	}
}

// setOwner takes over the record of a shard, unless a newer one is known.
func (m *membership) setOwner(shard int, o owner) {
	if o.revision > m.owners[shard].revision {
		m.owners[shard] = o
	}
}

// renew renews the own record if it is due. It returns errExpelled if it is gone.
func (m *membership) renew(ctx context.Context) error {
	start := time.Now()
	if start.Before(m.renewTime) {
		return nil
	}
	held := m.shards.valid()
	err := m.renewOnce(ctx)
	switch {
	case err == nil:
		m.renewTime = start.Add(renewInterval)
		if !held {
			m.restart()
		}
		m.shards.renewed(start.Add(ownTime))
		if m.failing {
			m.shards.options.Log.Info("the renewal of leases works again")
		}
		m.failing = false
	case errors.Is(err, errExpelled), ctx.Err() != nil:
		return err
	default:
		m.renewTime = time.Now().Add(retryInterval)
		if !m.failing {
			m.shards.options.Log.Warn("renewing the leases failed, retrying", "error", err)
		}
		m.failing = true
		if !held {
			return m.checkBucket(ctx)
		}
	}
	return nil
}

// renewOnce writes the own record.
func (m *membership) renewOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	revision, err := m.kv.Update(ctx, memberPrefix+m.id, []byte(m.shards.member), m.revision)
	if err == nil {
		m.revision = revision
		return nil
	}
	if !isConflict(err) {
		return err
	}
	// Either a renewal whose response was lost was written, or the record was deleted.
	entry, getErr := m.kv.Get(ctx, memberPrefix+m.id)
	if errors.Is(getErr, jetstream.ErrKeyNotFound) {
		return errExpelled
	}
	if getErr != nil {
		return getErr
	}
	m.revision = entry.Revision()
	return err
}

// restart begins to wait for the renewals of others anew: while this member could not renew, it
// may not have seen them.
func (m *membership) restart() {
	now := time.Now()
	for id, r := range m.members {
		m.members[id] = record{r.revision, now}
	}
	for i := range m.owners {
		m.owners[i].seen = now
	}
}

// checkBucket returns an error if the bucket is gone.
func (m *membership) checkBucket(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := m.shards.js.KeyValue(ctx, m.shards.bucket); errors.Is(err, jetstream.ErrBucketNotFound) {
		return err
	}
	return nil
}

// step expels members that are gone, takes and hands over shards, and publishes which this one
// owns.
func (m *membership) step(ctx context.Context) error {
	if !m.shards.valid() {
		return nil
	}
	m.expel(ctx)
	for shard := range m.owners {
		if shareOf(m.members, shard) == m.id {
			m.drained[shard] = time.Time{}
			m.take(ctx, shard)
		} else if m.owners[shard].id == m.id {
			m.handOver(ctx, shard)
		}
		if err := m.renew(ctx); err != nil { // many calls may take long
			return err
		}
	}
	m.publish()
	return nil
}

// publish publishes which shards this member owns: those with its name that it does not hand over.
func (m *membership) publish() {
	var owned [shardCount]bool
	for shard, o := range m.owners {
		owned[shard] = o.id == m.id && m.drained[shard].IsZero()
	}
	m.shards.publish(owned, len(m.members))
}

// expel deletes the records of members that have not renewed them, by their revision: if one did
// meanwhile, it stays.
func (m *membership) expel(ctx context.Context) {
	for id, r := range m.members {
		if id == m.id || time.Since(r.seen) < goneTime {
			continue
		}
		err := m.call(ctx, func(ctx context.Context) error {
			return m.kv.Delete(ctx, memberPrefix+id, jetstream.LastRevision(r.revision))
		})
		if err != nil { // read again after another wait
			m.members[id] = record{r.revision, time.Now()}
			continue
		}
		delete(m.members, id)
		m.departed[id] = struct{}{}
		m.shards.options.Log.Info("a process is gone: its leases are taken over", "member", id)
	}
}

// take takes a shard that is free.
func (m *membership) take(ctx context.Context, shard int) {
	o := m.owners[shard]
	if o.id == m.id || !m.isFree(o) {
		return
	}
	m.setRecord(ctx, shard, m.id)
}

// isFree reports whether no member owns a shard: its owner has freed it, has left or was expelled, or
// nothing was seen of one for goneTime.
func (m *membership) isFree(o owner) bool {
	if o.id == "" && o.revision > 0 {
		return true
	}
	if _, ok := m.departed[o.id]; ok {
		return true
	}
	_, alive := m.members[o.id]
	return !alive && time.Since(o.seen) >= goneTime
}

// handOver ends the ownership of a shard, and frees it after drainTime.
func (m *membership) handOver(ctx context.Context, shard int) {
	switch end := m.drained[shard]; {
	case end.IsZero():
		m.drained[shard] = time.Now().Add(drainTime)
		m.publish()
	case time.Now().After(end):
		m.setRecord(ctx, shard, "")
	}
}

// setRecord writes the record of a shard, unless it has changed. A failed write is tried again in
// the next step.
func (m *membership) setRecord(ctx context.Context, shard int, id string) {
	key, o := shardPrefix+strconv.Itoa(shard), m.owners[shard]
	var revision uint64
	err := m.call(ctx, func(ctx context.Context) (err error) {
		revision, err = m.kv.Update(ctx, key, []byte(id), o.revision) // 0 creates it
		return err
	})
	if err != nil {
		if !isConflict(err) {
			m.shards.options.Log.Debug("writing the owner of a shard failed, retrying", "shard", shard, "error", err)
		}
		return
	}
	m.setOwner(shard, owner{id, revision, time.Now()})
}

// call calls f with a timeout.
func (m *membership) call(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return f(ctx)
}

// leave ends the ownership of the shards, and frees them by deleting the own record. A record that
// cannot be deleted is expelled by others.
func (m *membership) leave(ctx context.Context) {
	m.shards.release()
	err := m.call(context.WithoutCancel(ctx), func(ctx context.Context) error {
		return m.kv.Delete(ctx, memberPrefix+m.id, jetstream.LastRevision(m.revision))
	})
	if err != nil {
		m.shards.options.Log.Debug("leaving failed: the leases end by themselves", "error", err)
	}
}

// isConflict reports whether a record was not written because it has another revision.
func isConflict(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}
