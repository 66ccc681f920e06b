package inbox_test

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/inbox"
)

// TestChanged is the table of changes of a read and archived item: which are unread again.
func TestChanged(t *testing.T) {
	stored, changed := time.Unix(100, 0), time.Unix(200, 0)
	before := inbox.Item{
		ID: 3, Position: 3, DeliveryID: 7, Nickname: "kim", AlertID: "1", Text: "first", Severity: "high", Rank: job.High, Incident: 9,
		CreateTime: stored, StoreTime: stored, UpdateTime: stored, ReadTime: time.Unix(150, 0), Archived: true, AckURL: "https://ack",
	}
	resolved := before
	resolved.Resolved = true
	for name, c := range map[string]struct {
		before inbox.Item
		by     inbox.Item
		unread bool
		rank   job.Rank
	}{
		"as urgent":               {before, inbox.Item{Rank: job.High}, false, job.High},
		"less urgent":             {before, inbox.Item{Rank: job.Low}, false, job.Low},
		"more urgent":             {before, inbox.Item{Rank: job.Critical}, true, job.Critical},
		"must be noticed":         {before, inbox.Item{Rank: job.Low, Reply: true}, true, job.Low},
		"acknowledged":            {before, inbox.Item{Rank: job.Critical, Acknowledged: true}, false, job.High},
		"resolved":                {before, inbox.Item{Rank: job.Critical, Resolved: true}, false, job.High},
		"fires again":             {resolved, inbox.Item{Rank: job.Low}, true, job.Low},
		"resolved again":          {resolved, inbox.Item{Rank: job.High, Resolved: true}, false, job.High},
		"acknowledged, to notice": {before, inbox.Item{Rank: job.Low, Acknowledged: true, Reply: true}, true, job.High},
	} {
		t.Run(name, func(t *testing.T) {
			c.by.Position, c.by.DeliveryID, c.by.Nickname, c.by.AlertID, c.by.Text, c.by.Incident, c.by.StoreTime = 5, 8, "kim", "2", "second", 9, changed
			want := c.by
			want.ID, want.StoreTime, want.UpdateTime, want.Rank, want.Reply = 3, stored, changed, c.rank, false
			if !c.unread {
				want.ReadTime, want.Archived = before.ReadTime, true
			}
			kittest.Equal(t, c.before.Changed(c.by), want)
		})
	}
}
