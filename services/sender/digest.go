package sender

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

// A digestDelivery is a delivery of a digest, with its line and its claim.
type digestDelivery struct {
	job.Delivery
	line  string
	claim dispatch.Claim // zero until it is claimed
}

// newDigestTask returns the task of a job with digest lines, or nil if all of its deliveries are
// seen already. The deliveries are to one address, and one call sends them.
func newDigestTask(m *inFlightMessage, j *job.Job, now time.Time, seen map[int64]bool) *task {
	t := &task{message: m, job: j, taken: now}
	for i, d := range j.Deliveries {
		if !seen[d.ID] {
			seen[d.ID] = true
			t.digest = append(t.digest, digestDelivery{Delivery: d, line: j.Content.DigestLines[i]})
		}
	}
	if !t.setFirst() {
		return nil
	}
	return t
}

// isDigest reports whether a job is a digest. The number of lines differs in no valid job.
func isDigest(j *job.Job) bool {
	return len(j.Deliveries) > 1 && len(j.Content.DigestLines) == len(j.Deliveries)
}

// setFirst sets the delivery and the claim of the task to those of the first delivery of its
// digest, and reports whether there is one. The lease is the shortest of the digest.
func (t *task) setFirst() bool {
	if len(t.digest) == 0 {
		return false
	}
	t.delivery, t.claim = t.digest[0].Delivery, t.digest[0].claim
	for _, d := range t.digest {
		if t.delivery.Slots == "" {
			t.delivery.Slots = d.Slots
		}
		if d.claim.LeaseExpireTime.Before(t.claim.LeaseExpireTime) {
			t.claim.LeaseExpireTime = d.claim.LeaseExpireTime
		}
	}
	return true
}

// appendIDs appends the ids of the deliveries of a task.
func (t *task) appendIDs(ids []int64) []int64 {
	if t.digest == nil {
		return append(ids, t.delivery.ID)
	}
	for _, d := range t.digest {
		ids = append(ids, d.ID)
	}
	return ids
}

// keepClaimable drops the deliveries of a task that are not claimable, takes over the slots that
// were reserved for the others, and reports whether any is left.
func (t *task) keepClaimable(claimable map[int64]string) bool {
	slots, ok := claimable[t.delivery.ID]
	if t.digest != nil {
		t.digest = slices.DeleteFunc(t.digest, func(d digestDelivery) bool {
			_, ok := claimable[d.ID]
			return !ok
		})
		for i := range t.digest {
			t.digest[i].Slots = claimable[t.digest[i].ID]
		}
		ok = t.setFirst()
		slots = t.delivery.Slots
	}
	if ok && slots != "" {
		t.delivery.Slots = slots
		t.readSlots()
	}
	return ok
}

// setClaims sets the claim of a task. Deliveries of a digest that were not granted are dropped;
// without any claim the fencing token of the task is 0.
func (t *task) setClaims(claims map[int64]dispatch.Claim) {
	if t.digest == nil {
		t.claim = claims[t.delivery.ID]
		return
	}
	t.digest = slices.DeleteFunc(t.digest, func(d digestDelivery) bool { return claims[d.ID].Fence == 0 })
	for i := range t.digest {
		t.digest[i].claim = claims[t.digest[i].ID]
	}
	t.setFirst()
}

// otherReports returns the report of the first delivery of a digest for each of the others.
func (t *task) otherReports(first *dispatch.Report) []dispatch.Report {
	if len(t.digest) < 2 {
		return nil
	}
	others := make([]dispatch.Report, 0, len(t.digest)-1)
	for _, d := range t.digest[1:] {
		r := *first
		r.DeliveryID, r.Fence = d.ID, d.claim.Fence
		others = append(others, r)
	}
	return others
}

// otherDeferrals returns the deferral of the first delivery of a digest for each of the others.
func (t *task) otherDeferrals(first *dispatch.Deferral) []dispatch.Deferral {
	if len(t.digest) < 2 {
		return nil
	}
	others := make([]dispatch.Deferral, 0, len(t.digest)-1)
	for _, d := range t.digest[1:] {
		other := *first
		other.DeliveryID, other.Fence = d.ID, d.claim.Fence
		others = append(others, other)
	}
	return others
}

// digestMessage changes the message of the first delivery of a digest to that of all. A digest of
// which one delivery is left is sent like any other if it is the first of its job, whose content
// the job has.
func (t *task) digestMessage(m *messenger.Message) {
	if t.digest == nil || len(t.digest) == 1 && t.delivery.ID == t.job.Deliveries[0].ID {
		return
	}
	lines := make([]string, len(t.digest))
	for i, d := range t.digest {
		lines[i] = d.line
	}
	m.Text, m.Severity = digestText(lines), severityOf(lines[0])
	m.Title, m.Link, m.Details = "", "", nil
	m.AlertKey, m.Incident, m.Resolved, m.Acknowledged, m.Previous, m.Reply, m.AckURL = "", 0, false, false, "", false, ""
	if len(t.digest) > 1 {
		m.Digest = digestID(t.appendIDs(nil))
	}
}

// digestID returns the id of a set of deliveries. A retry of the same set has the same one. One
// of another set must not: the provider would drop it as a repetition, although it is also of
// other deliveries.
func digestID(deliveries []int64) string {
	slices.Sort(deliveries)
	hash := sha256.New()
	for _, id := range deliveries {
		hash.Write(binary.BigEndian.AppendUint64(nil, uint64(id)))
	}
	return base64.RawURLEncoding.EncodeToString(hash.Sum(nil)[:12])
}
