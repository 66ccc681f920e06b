package discovery

import (
	"context"
	"time"
)

// A registration keeps the record of an instance in the bucket.
type registration struct {
	bucket   *Bucket
	instance Instance
	outage   bool // the last write failed
}

// run writes the record, again every renewInterval and with each change of its state, until
// ctx ends, and then deletes it. One write at a time is on its way, and run takes changes
// meanwhile.
func (r *registration) run(ctx context.Context, states <-chan StateChange) error {
	key := instanceKey(r.instance.ID)
	writes := make(chan error, 1)
	due, writing := true, false
	var renew <-chan time.Time
	for {
		if due && !writing {
			value, err := encodeInstance(r.instance)
			if err != nil {
				return err
			}
			go func() { writes <- r.bucket.write(ctx, key, value) }()
			due, writing, renew = false, true, nil
		}
		select {
		case to, open := <-states:
			if !open {
				states = nil
				continue
			}
			due = r.change(to) || due
		case err := <-writes:
			writing = false
			renew = r.bucket.options.After(r.written(ctx, err))
		case <-renew:
			due, renew = true, nil
		case <-ctx.Done():
			if writing {
				r.written(ctx, <-writes)
			}
			r.setOutage(false)
			r.remove(ctx, key)
			return nil
		}
	}
}

// change changes the state of the instance, and reports whether it is another one.
func (r *registration) change(to StateChange) bool {
	next, err := r.instance.changed(to)
	if err != nil || next.equal(r.instance) {
		return false
	}
	r.instance = next
	return true
}

// written logs the begin and the end of an outage, and returns when the next write is due.
func (r *registration) written(ctx context.Context, err error) time.Duration {
	log := r.bucket.options.Log.With("instance", r.instance.ID)
	switch {
	case err != nil && !r.outage && ctx.Err() == nil:
		log.Warn("instance cannot be registered, retrying; check the NATS server and its JetStream", "error", err)
	case err == nil && r.outage:
		log.Info("instance is registered again")
	}
	r.setOutage(err != nil)
	if r.outage {
		return checkInterval
	}
	return renewInterval
}

// setOutage notes whether the last write failed.
func (r *registration) setOutage(outage bool) {
	switch {
	case outage && !r.outage:
		r.bucket.unwritten.Add(1)
	case !outage && r.outage:
		r.bucket.unwritten.Add(-1)
	}
	r.outage = outage
}

// remove deletes the record. If that fails, the record ends with its lifetime.
func (r *registration) remove(ctx context.Context, key string) {
	if err := r.bucket.erase(context.WithoutCancel(ctx), key); err != nil {
		r.bucket.options.Log.Debug("instance cannot be removed from the registry, which drops it by itself", "instance", r.instance.ID, "error", err)
	}
}
