package queue

import "github.com/bongsu-project/bongsu/internal/job"

// bundleBytes bounds the content of the jobs that share a queue message. The default
// payload limit of a broker is a megabyte.
const bundleBytes = 64 << 10

// bundle groups jobs into queue messages, in their order: a message holds jobs of one
// messenger and rank, with together at most size deliveries. The broker's cost is per
// message.
func bundle(jobs []job.Job, size int) (bundles [][]job.Job) {
	type kind struct {
		messenger string
		rank      job.Rank
	}
	type place struct{ bundle, deliveries, bytes int }
	open := map[kind]place{} // the last bundle of each kind, and the room left in it
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

// saidIn returns the number of bytes of a content.
func saidIn(c job.Content) int {
	n := len(c.Text) + len(c.Severity) + len(c.Title) + len(c.Link) + len(c.Key)
	for _, d := range c.Details {
		n += len(d.Name) + len(d.Value)
	}
	return n
}
