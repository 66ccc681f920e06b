package storetest

import (
	"slices"
	"testing"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/inbox"
)

// ofIncident returns a firing delivery of an incident.
func ofIncident(id int64, nickname string, incident int64) inbox.Item {
	d := delivery(id, nickname)
	d.Incident, d.Rank, d.Resolved, d.AckURL = incident, job.High, false, "https://bongsu.example/ack"
	return d
}

// resolution returns a resolved delivery of an incident.
func resolution(id int64, nickname string, incident int64) inbox.Item {
	d := ofIncident(id, nickname, incident)
	d.Resolved, d.AckURL = true, ""
	return d
}

// testIncident checks that later deliveries of an incident change its item, which comes again
// after the last position.
func testIncident(t *testing.T, s inbox.Store) {
	add(t, s, ofIncident(1, "kim", 9), ofIncident(2, "lee", 9), delivery(3, "kim"))
	acknowledged := ofIncident(4, "kim", 9)
	acknowledged.Acknowledged = true
	got := add(t, s, acknowledged)
	want := acknowledged
	want.ID, want.Position, want.StoreTime, want.Rank = 1, 3, at(1), job.High
	kittest.Equal(t, got, []inbox.StoredItem{{Item: want, Before: 2}})
	kittest.Equal(t, after(t, s, "kim", 2, 10), []inbox.Item{want})
	kittest.Equal(t, deliveryIDs(after(t, s, "kim", 0, 10)), []int64{3, 4})
	kittest.Equal(t, counts(t, s, "kim"), [2]int{3, 2})
	kittest.Equal(t, counts(t, s, "lee"), [2]int{1, 1})
	kittest.Equal(t, len(add(t, s, acknowledged)), 0)            // again
	kittest.Equal(t, len(add(t, s, ofIncident(1, "kim", 9))), 0) // the first again
	kittest.Equal(t, counts(t, s, "kim"), [2]int{3, 2})

	_, err := s.Archive(t.Context(), "kim", 1, at(20))
	kittest.NoError(t, err)
	got = add(t, s, resolution(5, "kim", 9))
	kittest.Equal(t, [2]bool{got[0].Archived, got[0].Resolved}, [2]bool{true, true})
	again := ofIncident(6, "kim", 9)
	again.Reply = true
	got = add(t, s, again)
	want = again
	want.ID, want.Position, want.StoreTime, want.Reply = 1, 5, at(1), false
	kittest.Equal(t, got, []inbox.StoredItem{{Item: want, Before: 4}})
	kittest.Equal(t, counts(t, s, "kim"), [2]int{5, 2})
	page, err := s.Page(t.Context(), inbox.Query{Nickname: "kim", Limit: 10}) // in order of ids
	kittest.NoError(t, err)
	kittest.Equal(t, deliveryIDs(page), []int64{3, 6})
	other := add(t, s, ofIncident(7, "kim", 10)) // another incident
	kittest.Equal(t, [2]int64{other[0].ID, other[0].Position}, [2]int64{6, 6})
}

// testIncidentsOfOneCall checks that deliveries of one incident in a call are one item, also if
// there are more incidents than one statement has.
func testIncidentsOfOneCall(t *testing.T, s inbox.Store) {
	const many = 300
	var firing, resolved []inbox.Item
	for n := range int64(many) {
		firing = append(firing, ofIncident(1+n, "kim", 1+n), ofIncident(1_000+n, "kim", 1+n))
		resolved = append(resolved, resolution(2_000+n, "kim", 1+n))
	}
	stored := add(t, s, firing...)
	kittest.Equal(t, len(stored), many)
	for i, item := range stored {
		kittest.Equal(t, [3]int64{item.DeliveryID, item.ID, item.Position}, [3]int64{1_000 + int64(i), 1 + 2*int64(i), 2 + 2*int64(i)})
	}
	stored = add(t, s, resolved...)
	kittest.Equal(t, len(stored), many)
	items := after(t, s, "kim", 0, 1_000)
	kittest.Equal(t, len(items), many)
	for i, item := range items {
		kittest.Equal(t, stored[i].Item, item)
		kittest.Equal(t, item.Resolved, true)
	}
	kittest.Equal(t, len(add(t, s, append(firing, resolved...)...)), 0)
}

// testLateDelivery checks that an earlier delivery that comes late changes nothing.
func testLateDelivery(t *testing.T, s inbox.Store) {
	add(t, s, resolution(5, "kim", 9))
	before := after(t, s, "kim", 0, 10)
	for range 2 {
		kittest.Equal(t, len(add(t, s, ofIncident(4, "kim", 9))), 0)
		kittest.Equal(t, after(t, s, "kim", 0, 10), before)
	}
	later := ofIncident(3, "kim", 9) // of another alert service, whose ids are lower
	later.CreateTime = at(1)
	kittest.Equal(t, len(add(t, s, later)), 1)
	early := resolution(6, "kim", 9)
	kittest.Equal(t, len(add(t, s, early)), 0)
	kittest.Equal(t, after(t, s, "kim", 0, 10)[0].Resolved, false)
	both := add(t, s, ofIncident(7, "lee", 9), resolution(6, "lee", 9))
	kittest.Equal(t, len(both), 1)
	kittest.Equal(t, [2]int64{both[0].DeliveryID, int64(len(after(t, s, "lee", 0, 10)))}, [2]int64{7, 1})
}

// testIncidentAtOnce checks that concurrent calls with the deliveries of an incident make one
// item, which has the last state.
func testIncidentAtOnce(t *testing.T, s inbox.Store) {
	const callers = 8
	for _, err := range kittest.Concurrently(callers, func(i int) error {
		for n := range int64(10) {
			d := ofIncident(1+n*callers+int64(i), "kim", 9)
			if d.DeliveryID == 10*callers {
				d = resolution(d.DeliveryID, "kim", 9)
			}
			for range 2 {
				if _, err := s.Add(t.Context(), []inbox.Item{d, delivery(1_000+d.DeliveryID, "kim")}); err != nil {
					return err
				}
			}
		}
		return nil
	}) {
		kittest.NoError(t, err)
	}
	items := after(t, s, "kim", 0, 1_000)
	kittest.Equal(t, len(items), 1+10*callers)
	i := slices.IndexFunc(items, func(i inbox.Item) bool { return i.Incident == 9 })
	kittest.Equal(t, [2]bool{items[i].Resolved, items[i].DeliveryID == 10*callers}, [2]bool{true, true})
}

// testIncidentReads checks that a read is one of all deliveries that the item had, and of no
// change that came after it.
func testIncidentReads(t *testing.T, s inbox.Store) {
	ctx := t.Context()
	unreported := func() []inbox.Read {
		t.Helper()
		reads, err := s.UnreportedReads(ctx, 10)
		kittest.NoError(t, err)
		return reads
	}
	add(t, s, ofIncident(1, "kim", 9))
	add(t, s, ofIncident(2, "kim", 9), ofIncident(3, "lee", 9))
	add(t, s, ofIncident(4, "lee", 9))
	_, err := s.MarkRead(ctx, "kim", 1, at(7))
	kittest.NoError(t, err)
	want := []inbox.Read{{DeliveryID: 1, Time: at(7)}, {DeliveryID: 2, Time: at(7)}}
	got := unreported()
	slices.SortFunc(got, func(a, b inbox.Read) int { return int(a.DeliveryID - b.DeliveryID) })
	kittest.Equal(t, got, want)
	kittest.NoError(t, s.SetReported(ctx, []int64{1}))
	kittest.Equal(t, unreported(), want[1:])
	add(t, s, resolution(5, "kim", 9)) // the item is read, and nobody has seen this change
	kittest.Equal(t, unreported(), want[1:])
	kittest.NoError(t, s.SetReported(ctx, []int64{2, 5}))
	kittest.Equal(t, len(unreported()), 0)

	again := ofIncident(6, "kim", 9)
	again.Reply = true
	add(t, s, again)
	_, err = s.MarkAllRead(ctx, "kim", 0, at(9))
	kittest.NoError(t, err)
	kittest.Equal(t, unreported(), []inbox.Read{{DeliveryID: 6, Time: at(9)}})
	n, err := s.MarkAllRead(ctx, "lee", 0, at(11))
	kittest.NoError(t, err)
	kittest.Equal(t, n, 1)
	kittest.Equal(t, len(unreported()), 3)
}

// testReadUpToChange checks that a change that came since stays unread.
func testReadUpToChange(t *testing.T, s inbox.Store) {
	add(t, s, ofIncident(1, "kim", 9), delivery(2, "kim"))
	add(t, s, ofIncident(3, "kim", 9))
	n, err := s.MarkAllRead(t.Context(), "kim", 2, at(9))
	kittest.NoError(t, err)
	kittest.Equal(t, n, 1)
	kittest.Equal(t, counts(t, s, "kim"), [2]int{3, 1})
	n, err = s.MarkAllRead(t.Context(), "kim", 3, at(9))
	kittest.NoError(t, err)
	kittest.Equal(t, n, 1)
}

// testDeleteIncident checks that an item is kept while it changes, and that a later delivery of
// a deleted one is a new item.
func testDeleteIncident(t *testing.T, s inbox.Store) {
	add(t, s, ofIncident(1, "kim", 9), delivery(2, "kim"))
	add(t, s, ofIncident(10, "kim", 9))
	for _, c := range []struct{ before, want int }{{10, 1}, {11, 1}} {
		n, err := s.DeleteItems(t.Context(), at(c.before), 10)
		kittest.NoError(t, err)
		kittest.Equal(t, n, c.want)
	}
	stored := add(t, s, resolution(11, "kim", 9), ofIncident(1, "lee", 9))
	kittest.Equal(t, [2]int64{stored[0].ID, stored[0].Position}, [2]int64{4, 4})
	kittest.Equal(t, len(stored), 2) // the first delivery is forgotten with its item
}
