package discovery

import (
	"context"
	"time"
)

// reports keeps the reports of this process in the bucket. Run owns it.
type reports struct {
	bucket *Bucket
	wake   chan struct{} // a report has changed
	stored map[string]storedReport
}

// A storedReport is a report that is or was in the bucket.
type storedReport struct {
	writeTime time.Time // the last one
	held      bool      // it has not been deleted
}

func newReports(bucket *Bucket) *reports {
	return &reports{bucket: bucket, wake: make(chan struct{}, 1), stored: map[string]storedReport{}}
}

// wakeUp makes Run write the changes.
func (r *reports) wakeUp() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// write deletes the reports that were withdrawn, and writes those that are new or due. A
// report that is withdrawn and made again is written once in a renewInterval.
func (r *reports) write(ctx context.Context) error {
	reasons := r.bucket.reported()
	now := r.bucket.options.Now()
	for id, stored := range r.stored {
		if _, made := reasons[id]; made {
			continue
		}
		if stored.held {
			if err := r.bucket.erase(ctx, failingKey(id, r.bucket.reporter)); err != nil {
				return err
			}
			stored.held = false
			r.stored[id] = stored
		}
		if now.Sub(stored.writeTime) >= renewInterval {
			delete(r.stored, id)
		}
	}
	for id, reason := range reasons {
		if stored, ok := r.stored[id]; ok && now.Sub(stored.writeTime) < renewInterval {
			continue
		}
		value, err := encodeReport(id, reason)
		if err != nil {
			return err
		}
		if err := r.bucket.write(ctx, failingKey(id, r.bucket.reporter), value); err != nil {
			return err
		}
		r.stored[id] = storedReport{writeTime: now, held: true}
	}
	return nil
}

// end deletes all reports, since this process ends. Those that it cannot delete end with their
// lifetime.
func (r *reports) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bucketTimeout)
	defer cancel()
	for id, stored := range r.stored {
		if !stored.held {
			continue
		}
		if err := r.bucket.erase(ctx, failingKey(id, r.bucket.reporter)); err != nil {
			return
		}
	}
}
