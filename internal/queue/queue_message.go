package queue

import "github.com/bongsu-project/bongsu/internal/job"

// maxMessageBytes bounds the content of the jobs that share a queue message. The default
// payload limit of a broker is a megabyte.
const maxMessageBytes = 64 << 10

// groupJobs groups jobs into queue messages, in their order: a message holds jobs of one
// messenger and rank, with together at most size deliveries. The broker's cost is per
// message.
func groupJobs(jobs []job.Job, size int) (bundles [][]job.Job) {
	type kind struct {
		messenger string
		rank      job.Rank
	}
	type room struct{ bundle, deliveries, bytes int }
	open := map[kind]room{} // the last bundle of each kind, and the room left in it
	for _, j := range jobs {
		k, bytes := kind{j.Messenger, j.Rank}, contentBytes(j.Content)
		at, ok := open[k]
		if !ok || at.deliveries < len(j.Deliveries) || at.bytes < bytes {
			at = room{len(bundles), size, maxMessageBytes}
			bundles = append(bundles, nil)
		}
		bundles[at.bundle] = append(bundles[at.bundle], j)
		open[k] = room{at.bundle, at.deliveries - len(j.Deliveries), at.bytes - bytes}
	}
	return bundles
}

// contentBytes returns the number of bytes of a content.
func contentBytes(c job.Content) int {
	n := len(c.Text) + len(c.Severity) + len(c.Title) + len(c.Link) + len(c.AlertKey)
	for _, d := range c.Details {
		n += len(d.Name) + len(d.Value)
	}
	for _, line := range c.DigestLines {
		n += len(line)
	}
	return n
}
