package queue

import "github.com/bongsu-project/bongsu/internal/job"

// bundleBytes is how much jobs may say together that share a message. A broker takes a
// megabyte, unless it is configured otherwise.
const bundleBytes = 64 << 10

// bundle puts jobs together that share a message, in their order: those of one messenger
// and rank, which have together at most size deliveries. What the broker does for a
// message it does once for them.
func bundle(jobs []job.Job, size int) (bundles [][]job.Job) {
	type kind struct {
		messenger string
		rank      job.Rank
	}
	type place struct{ bundle, deliveries, bytes int }
	open := map[kind]place{} // the bundle that takes more, and what is left of its room
	for _, j := range jobs {
		k, bytes := kind{j.Messenger, j.Rank}, saidIn(j.Content)
		at, is := open[k]
		if !is || at.deliveries < len(j.Deliveries) || at.bytes < bytes {
			at = place{len(bundles), size, bundleBytes}
			bundles = append(bundles, nil)
		}
		bundles[at.bundle] = append(bundles[at.bundle], j)
		open[k] = place{at.bundle, at.deliveries - len(j.Deliveries), at.bytes - bytes}
	}
	return bundles
}

// saidIn is how many bytes a content says.
func saidIn(c job.Content) int {
	n := len(c.Text) + len(c.Severity) + len(c.Title) + len(c.Link) + len(c.Key)
	for _, d := range c.Details {
		n += len(d.Name) + len(d.Value)
	}
	return n
}
